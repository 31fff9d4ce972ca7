/**
 * Is there one order of all operations that explains what every client saw, in which nothing comes
 * before what had ended when it began? A search for it after Wing and Gong ("Testing and verifying
 * concurrent objects", 1993) with the memory of failures of Lowe ("Testing for linearizability",
 * 2017), for any sequential model. What keeps it short:
 *
 * - a read that fits the present state may as well come now: nothing to choose;
 * - an operation of unknown outcome need not come at all, so a point that failed with some of them
 *   spent fails with more of them spent;
 * - one of unknown outcome that changes nothing, or that is overwritten unseen, may be left out;
 * - of several of unknown outcome that are the same, the first to begin stands for all;
 * - where there are only reads and writes of whole states, a write that no read waits for may come
 *   right before another write, and a state that a read waits for is not left for ever; and most
 *   of what is wrong is seen beforehand (zones.ts).
 */
import { assert } from "../core/assert.ts";
import { OperationOrder } from "./operation-order.ts";
import { ReadsOutstanding } from "./reads-outstanding.ts";
import { conflictOfZones } from "./zones.ts";

export interface Operation {
  readonly invokedAt: number;
  /** Infinity: the outcome is unknown. Equal instants count as concurrent. */
  readonly completedAt: number;
}

/** What one object does when operations come one after the other. */
export interface SequentialModel<State extends string | number, Op> {
  readonly initial: State;
  /** `read` changes no state, `write` forgets the state before it, `update` depends on it. */
  readonly effect: (operation: Op) => "read" | "write" | "update";
  /** The state after it; null where it cannot have had the outcome that it had. */
  readonly step: (state: State, operation: Op) => State | null;
  /** Without updates: the state that a write leaves, the one that a read fits. */
  readonly whole?: (operation: Op) => State;
  /** Equal for operations that do the same. */
  readonly describe: (operation: Op) => string;
}

/** Deciding is NP-complete: a history that needs more than this is none for a test. */
const POINTS_MAX = 8_192_000;
const FIRST_POINTS_MAX = 2_000;
const POINTS_GROWTH = 16;

/**
 * Histories of objects that know nothing of each other, by their names. null = all of them are
 * linearizable, else what is wrong with one. Throws when it could not be decided.
 */
export function checkLinearizable<State extends string | number, Op extends Operation>(
  model: SequentialModel<State, Op>,
  histories: ReadonlyMap<string, readonly Op[]>,
  pointsMax = POINTS_MAX,
): string | null {
  // One wrong history is enough, and which of them is easily seen to be wrong is not known.
  let open = [...histories];
  for (let limit = FIRST_POINTS_MAX; open.length > 0; limit *= POINTS_GROWTH) {
    const points = Math.min(limit, pointsMax);
    const undecided: typeof open = [];
    for (const [name, history] of open) {
      const verdict = new Search(model, history, points).run();
      if (verdict.kind === "wrong") return `${name}: ${verdict.why}`;
      if (verdict.kind === "undecided") undecided.push([name, history]);
    }
    const names = () => undecided.map(([name]) => name).join(", ");
    assert(undecided.length === 0 || points < pointsMax, () => `undecided: ${names()}`);
    open = undecided;
  }
  return null;
}

/** Operations apart by the object that they are on. */
export function historiesOf<Op extends { readonly key: string }>(
  operations: Iterable<Op>,
): ReadonlyMap<string, readonly Op[]> {
  const histories = new Map<string, Op[]>();
  for (const operation of operations) {
    const history = histories.get(operation.key);
    if (history === undefined) histories.set(operation.key, [operation]);
    else history.push(operation);
  }
  return histories;
}

type Verdict =
  | { readonly kind: "linearizable" | "undecided" }
  | { readonly kind: "wrong"; readonly why: string };

/** A place in the search: some operations have their order, and the next one is to be chosen. */
interface Point<State> {
  readonly state: State;
  /** The operations of unknown outcome that were spent, a bit each. */
  readonly spent: bigint;
  /** How many were ordered before this point was entered. */
  readonly depth: number;
  readonly key: string;
  readonly choices: readonly number[];
  nextChoice: number;
}

class Search<State extends string | number, Op extends Operation> {
  readonly #model: SequentialModel<State, Op>;
  readonly #pointsMax: number;
  readonly #known: readonly Op[];
  readonly #unknown: readonly Op[];
  /** For each of unknown outcome the one before it that is the same, or -1. */
  readonly #twins: readonly number[];
  readonly #order: OperationOrder;
  /** null: there are updates, or the model does not know of whole states. */
  readonly #outstanding: ReadsOutstanding<State> | null;
  /** Spent sets that came to nothing, none of them within another, by what else was the case. */
  readonly #failed = new Map<string, bigint[]>();
  #points = 0;
  #deepest = -1;
  #why = "";

  constructor(model: SequentialModel<State, Op>, history: readonly Op[], pointsMax: number) {
    this.#model = model;
    this.#pointsMax = pointsMax;
    const sorted = [...history].sort((a, b) => a.invokedAt - b.invokedAt);
    this.#known = sorted.filter((op) => op.completedAt !== Infinity);
    // Whether a read of unknown outcome happened makes no difference to anybody.
    this.#unknown = sorted.filter(
      (op) => op.completedAt === Infinity && model.effect(op) !== "read",
    );
    const last = new Map<string, number>();
    this.#twins = this.#unknown.map((operation, i) => {
      const text = model.describe(operation);
      const twin = last.get(text) ?? -1;
      last.set(text, i);
      return twin;
    });
    this.#order = new OperationOrder(this.#known);
    this.#outstanding = this.#readsOutstanding(sorted);
  }

  run(): Verdict {
    const conflict = this.#conflictOfZones();
    if (conflict !== null) return { kind: "wrong", why: conflict };
    const path = [this.#enter(this.#model.initial, 0n, false, 0)];
    for (;;) {
      const here = path.at(-1);
      if (this.#order.isComplete()) return { kind: "linearizable" };
      if (here === undefined) return { kind: "wrong", why: this.#why };
      if (this.#points > this.#pointsMax) return { kind: "undecided" };
      const next = this.#advance(here);
      if (next !== null) {
        path.push(next);
        continue;
      }
      this.#remember(here);
      this.#cutTo(here.depth);
      path.pop();
    }
  }

  /** To the next choice that is possible here; null when there is none left. */
  #advance(here: Point<State>): Point<State> | null {
    const depth = this.#order.length;
    while (here.nextChoice < here.choices.length) {
      const choice = here.choices[here.nextChoice] as number;
      here.nextChoice += 1;
      const unknown = choice - this.#known.length;
      const operation = (unknown < 0 ? this.#known[choice] : this.#unknown[unknown]) as Op;
      const after = this.#model.step(here.state, operation);
      if (after === null || (unknown >= 0 && after === here.state)) continue;
      this.#orderUnwanted(choice);
      if (unknown < 0) this.#add(choice);
      const spent = unknown < 0 ? here.spent : here.spent | (1n << BigInt(unknown));
      return this.#enter(after, spent, unknown >= 0, depth);
    }
    return null;
  }

  #enter(state: State, spent: bigint, byUnknown: boolean, depth: number): Point<State> {
    this.#points += 1;
    const unseen = !this.#addReads(state) && byUnknown;
    const key = `${this.#order.key()}${unseen ? "?" : ":"}${state}`;
    const isTied = this.#isTied(state, spent);
    this.#noteDepth(state, isTied);
    const isEnd = isTied || this.#hasFailed(key, spent);
    const choices = isEnd ? [] : this.#choices(spent, unseen);
    return { state, spent, depth, key, choices, nextChoice: 0 };
  }

  /** Orders every read that fits; true if there was one. */
  #addReads(state: State): boolean {
    const before = this.#order.length;
    for (let more = true; more; ) {
      more = false;
      for (const candidate of this.#order.candidates()) {
        const operation = this.#known[candidate] as Op;
        if (this.#model.effect(operation) !== "read") continue;
        if (this.#model.step(state, operation) === null) continue;
        this.#add(candidate);
        more = true;
      }
    }
    return this.#order.length > before;
  }

  /** What must come before what may come. */
  #choices(spent: bigint, unseen: boolean): number[] {
    const choices: number[] = [];
    let unwanted = -1;
    for (const candidate of this.#order.candidates()) {
      const operation = this.#known[candidate] as Op;
      const effect = this.#model.effect(operation);
      if (effect === "read" || (effect === "write" && unseen)) continue;
      if (this.#isWanted(operation)) choices.push(candidate);
      else unwanted = candidate;
    }
    // One of them takes the others along.
    if (unwanted >= 0) choices.push(unwanted);
    const isSpent = (i: number) => ((spent >> BigInt(i)) & 1n) === 1n;
    for (const [i, operation] of this.#unknown.entries()) {
      if (operation.invokedAt > this.#order.deadline()) break;
      const twin = this.#twins[i] as number;
      if (isSpent(i) || (twin >= 0 && !isSpent(twin)) || !this.#isWanted(operation)) continue;
      if (unseen && this.#model.effect(operation) === "write") continue;
      choices.push(this.#known.length + i);
    }
    return choices;
  }

  /** Writes that no read waits for come before the chosen one, which hides them. */
  #orderUnwanted(chosen: number): void {
    if (this.#outstanding === null) return;
    for (const candidate of this.#order.candidates()) {
      const operation = this.#known[candidate] as Op;
      const isWrite = this.#model.effect(operation) === "write";
      if (candidate !== chosen && isWrite && !this.#isWanted(operation)) this.#add(candidate);
    }
  }

  /** A read yet to come must see this state, and no write will bring it back. */
  #isTied(state: State, spent: bigint): boolean {
    const reads = this.#outstanding;
    return (reads?.isWanted(state) && !reads.canCome(state, spent)) ?? false;
  }

  #isWanted(operation: Op): boolean {
    const { whole } = this.#model;
    if (this.#outstanding === null || whole === undefined) return true;
    return this.#outstanding.isWanted(whole(operation));
  }

  #readsOutstanding(history: readonly Op[]): ReadsOutstanding<State> | null {
    const { whole, effect } = this.#model;
    if (whole === undefined || history.some((op) => effect(op) === "update")) return null;
    const view = (op: Op) => ({ isRead: effect(op) === "read", state: whole(op) });
    return new ReadsOutstanding(this.#known.map(view), this.#unknown.map(view));
  }

  #conflictOfZones(): string | null {
    const { whole, effect, initial } = this.#model;
    if (this.#outstanding === null || whole === undefined) return null;
    const operations = [...this.#known, ...this.#unknown].map((operation) => {
      const { invokedAt, completedAt } = operation;
      const isRead = effect(operation) === "read";
      return { isRead, state: whole(operation), invokedAt, completedAt };
    });
    return conflictOfZones(initial, operations);
  }

  #add(operation: number): void {
    this.#order.add(operation);
    this.#outstanding?.ordered(operation);
  }

  #cutTo(length: number): void {
    for (const operation of this.#order.cutTo(length)) this.#outstanding?.takenBack(operation);
  }

  #hasFailed(key: string, spent: bigint): boolean {
    return this.#failed.get(key)?.some((less) => (less & spent) === less) ?? false;
  }

  #remember({ key, spent }: Point<State>): void {
    if (this.#hasFailed(key, spent)) return;
    const others = this.#failed.get(key)?.filter((more) => (more & spent) !== spent) ?? [];
    this.#failed.set(key, [...others, spent]);
  }

  /** The verdict names the first operation that no order got past. */
  #noteDepth(state: State, isTied: boolean): void {
    const { length } = this.#order;
    const next = this.#order.mostUrgent();
    if (length <= this.#deepest || next === undefined) return;
    this.#deepest = length;
    const what = this.#model.describe(this.#known[next] as Op);
    const where = `after ${length} others, in state ${state}${isTied ? ", which is seen later" : ""}`;
    this.#why = `no order explains ${what} ${where}`;
  }
}
