/** The rolling part of a group's pass: pairs go, the next ones are replaced (DESIGN §7, §12.3). */
import { type Allocation, allocIndex, maxSurgeOf, Serving } from "@drover/model";
import type { Slices } from "../scheduler.ts";
import { isCanary } from "./alloc-facts.ts";
import type { Acted } from "./draft.ts";
import { heldBy } from "./group-place.ts";
import {
  type LimitInput,
  RANK,
  ServingBudget,
  startBudget,
  surgeBudget,
  undecidedBudget,
} from "./limit.ts";
import type { NameIndex } from "./name-index.ts";
import { type Closed, Open } from "./open.ts";
import { isCanarying, type Pass, type Serves, servingStates } from "./pass.ts";
import { cancel, mayRunOn, type Pair } from "./prepare.ts";
import { Description, PlaceKind, type PlaceRequest } from "./types.ts";
import type { Outdated } from "./updates.ts";
import { awaitsSurge, HeldBy, type HoldFacts } from "./why-group.ts";

interface RollFacts {
  readonly outdated: Outdated;
  readonly isReady: boolean;
  /** Allocations of the new version that this plan starts besides. */
  readonly starting: number;
  readonly names: NameIndex;
}

/** What this pass may still do; each step takes its share. */
interface Budget {
  readonly stops: ServingBudget;
  /** L1: pairs that may start. */
  starts: number;
  /** L1: allocations of the new version that may become undecided. */
  undecided: number;
  /** L5: those that do not serve or are out of reach, and for which L1 leaves no place. */
  idle: number;
}

interface Rolled {
  readonly pairs: Closed<"pairs">;
  readonly outdated: Closed<"outdated">;
  readonly told: Pick<HoldFacts, "limit" | "serving" | "idle">;
}

/** L */
export function* rollOut(pass: Pass, facts: RollFacts): Slices<Rolled> {
  const { group } = pass;
  const { isReady, outdated, starting } = facts;
  const { serves } = pass;
  const olds = pass.pairs.flatMap(({ isReplacement, old }) => (isReplacement ? [] : (old ?? [])));
  // Of two that run in one slot the old one counts, until the new one has taken its place.
  const beside = new Set(pass.pairs.filter(({ isSurge }) => isSurge).map(({ next }) => next));
  const counted = [...pass.untainted.filter((each) => !beside.has(each)), ...olds];
  const states = yield* servingStates(pass, counted);
  const idle = counted.filter((_, index) => states[index] !== Serving.yes);
  const stops = new ServingBudget(group, states);
  const { serving } = stops;
  const { untainted } = pass;
  const deployment = pass.triage.current;
  const limit: LimitInput = { group, isBlocked: !isReady, deployment, untainted, starting };
  const undecided = undecidedBudget(limit);
  const mayLeave = (one: Serving) =>
    one === Serving.no || (one === Serving.unseen && stops.allows(one));
  const resting = (yield* servingStates(pass, outdated.items)).filter(mayLeave);
  const waiting = isReady ? Math.max(0, resting.length - undecided) : 0;
  const budget = { stops, starts: startBudget(limit), undecided, idle: waiting };
  yield;
  const pairs = yield* letPairsGo(pass, { isReady, budget, serves });
  yield;
  const isRevert = outdated.size > 1 && pass.input.isRevert();
  const { compare, turnOf } = replacementOrder(serves, isRevert);
  const ordered = yield* outdated.inOrder(turnOf, compare);
  yield;
  const replaced = yield* replaceOutdated(pass, { ...facts, outdated: ordered, budget, serves });
  return { pairs, outdated: replaced, told: { limit, serving, idle } };
}

interface Limits {
  readonly isReady: boolean;
  readonly budget: Budget;
  readonly serves: Serves;
}

/**
 * L4: pairs that are ready go, the free ones first. What leaves its node does so at the pace of its
 * drain, and of a surge the new one serves in the old one's stead.
 */
function* letPairsGo(pass: Pass, { budget, isReady, serves }: Limits): Slices<Closed<"pairs">> {
  const { stops } = budget;
  const costOf = ({ isReplacement, isSurge, old }: Pair) =>
    isReplacement || isSurge || old === null ? Serving.no : serves(old);
  // One that is not ready reserves its stop, after those that go.
  const rank = (pair: Pair) => (pair.hold === null ? RANK[costOf(pair)] : RANK_MAX);
  const open = yield* new Open("pairs", pass.pairs).inOrder(rank, (a, b) => a - b);
  return yield* open.close(pass.holds, (pair) => {
    const cost = costOf(pair);
    if (!isReady && !pair.isReplacement) return heldBy(pass);
    if (pair.hold !== null) {
      stops.take(cost);
      return pair.hold;
    }
    const isStarting = !pair.isReplacement && !pair.isSurge;
    if (isStarting && budget.starts <= 0) return HeldBy.limit;
    if (!pair.isSurge) budget.starts--;
    if (!stops.allows(cost)) return yieldPlace(pass, pair, budget) ?? HeldBy.floor;
    stops.take(cost);
    return pass.draft.go({ next: pair.next, stop: pair.stop });
  });
}

const RANK_MAX = Math.max(...Object.values(RANK)) + 1;

/**
 * L5: a pair that the floor holds back gives its place up to one that does not serve, or is out of
 * reach and may go, which would otherwise wait for it for ever.
 */
function yieldPlace(pass: Pass, { next }: Pair, budget: Budget): Acted | null {
  if (budget.idle === 0) return null;
  budget.idle--;
  budget.undecided++;
  pass.desired.stop++;
  return pass.draft.stop(cancel(next, false));
}

/** L1, L2, X2 */
function* replaceOutdated(
  pass: Pass,
  facts: Limits & Pick<RollFacts, "outdated" | "names">,
): Slices<Closed<"outdated">> {
  const { desired, draft, group, holds, pairs, retries } = pass;
  const { budget, isReady, names, outdated, serves } = facts;
  const { stops, undecided } = budget;
  const hasSurge = maxSurgeOf(group) > 0;
  const surge = surgeBudget(group, undecided, pairs.filter(isBeside(pass)).length);
  let chosen = 0;
  const closed = yield* outdated.close(holds, (old) => {
    if (!isReady) return heldBy(pass);
    if (chosen >= undecided) return HeldBy.limit;
    const one = serves(old);
    const isSurge = hasSurge && one !== Serving.no && one !== Serving.unseen;
    if (isSurge && chosen >= surge) return HeldBy.surge;
    const mayStop = stops.allows(one);
    if (!isSurge && !mayStop) return HeldBy.floor;
    chosen++;
    stops.take(one);
    return draft.replace({
      group,
      old,
      name: names.forReplacement(old),
      retryOf: retries.get(old.id) ?? null,
      isCanary: false,
      surge: isSurge ? { mayFallBack: mayStop } : null,
    });
  });
  desired.destructiveUpdate += chosen;
  desired.ignore += outdated.size - chosen;
  return closed;
}

/** Both of the pair run on after this pass. */
function isBeside({ draft }: Pass): (pair: Pair) => boolean {
  const going = new Set(draft.goes.map(({ next }) => next.id));
  return ({ isSurge, next }) => isSurge && !going.has(next.id);
}

interface Turn {
  readonly rank: number;
  readonly version: number;
  readonly index: number;
}

/** L3: those that do not serve first; a revert takes back the newest version first. */
export function replacementOrder(serves: Serves, isRevert: boolean) {
  return {
    turnOf: (alloc: Allocation): Turn => ({
      rank: RANK[serves(alloc)],
      version: isRevert ? -alloc.jobVersion : 0,
      index: allocIndex(alloc.name),
    }),
    compare: (a: Turn, b: Turn) => a.rank - b.rank || a.version - b.version || a.index - b.index,
  };
}

/**
 * G21: whatever the deployment's condition, an allocation that must leave its node is replaced; with
 * `max_surge`, those of a drain as many at a time as may stand beside their successors (X6). What a
 * paused update keeps of that comes back to nobody, so the rest leaves as it would without.
 */
export function* placeMigrations(pass: Pass, names: NameIndex): Slices<Closed<"leaving">> {
  const { desired, draft, group, holds, input } = pass;
  const isKept = pass.triage.isPaused && pass.pairs.some(isUpdateBeside(pass));
  const surge = { room: surgeRoom(pass), isUsed: maxSurgeOf(group) > 0 };
  const open = new Open("leaving", [...pass.movingCanaries, ...pass.migrate]);
  return yield* open.close(holds, (alloc) => {
    const stop = { alloc, description: Description.migrating };
    const runsOn = !input.isBatch && mayRunOn(alloc, input);
    if (!runsOn) {
      const stopped = draft.stop(stop);
      desired.migrate++;
      return staysAway(pass, alloc) ? stopped : draft.place(placeAnew(pass, alloc, names));
    }
    const hasRoom = surge.room > 0;
    const isSurge = surge.isUsed && (hasRoom || !isKept);
    if (isSurge && !hasRoom) return awaitsSurge(input.ref, group, alloc);
    if (isSurge) surge.room--;
    desired.migrate++;
    const retryOf = pass.retries.get(alloc.id) ?? null;
    const leaves = { leaving: stop, retryOf, isSurge };
    return draft.place({ ...placeAnew(pass, alloc, names), ...leaves });
  });
}

function staysAway({ input }: Pass, { desiredTransition }: Allocation): boolean {
  const { migrateDisablePlacement, reschedule } = desiredTransition;
  return input.isBatch && (migrateDisablePlacement === true || reschedule === true);
}

function placeAnew({ group, state }: Pass, alloc: Allocation, names: NameIndex): PlaceRequest {
  const isOne = isCanary(alloc);
  const staysBeside = isOne || isCanarying(state);
  return {
    kind: PlaceKind.migrate,
    group,
    name: staysBeside ? alloc.name : names.forReplacement(alloc),
    previous: alloc,
    isCanary: isOne,
    downgrade: isCanarying(state) && !isOne,
    stopPrevious: null,
  };
}

/** Both of the pair run on until the update does. */
function isUpdateBeside(pass: Pass): (pair: Pair) => boolean {
  const isKept = isBeside(pass);
  return (pair) => !pair.isReplacement && isKept(pair);
}

/** How many more may stand beside those they replace, once this plan is carried out. */
function surgeRoom(pass: Pass): number {
  const beside = pass.pairs.filter(isBeside(pass)).length;
  const chosen = pass.draft.destructive.filter(
    ({ group, surge }) => group === pass.group && (surge ?? null) !== null,
  ).length;
  return maxSurgeOf(pass.group) - beside - chosen;
}
