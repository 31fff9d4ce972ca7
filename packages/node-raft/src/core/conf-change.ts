/**
 * Membership arithmetic (thesis §4.3): how a configuration enters and leaves its joint form. Pure
 * over `ConfState`; who may ask for a change, and when, is decided in membership.ts.
 */
import { isJoint, levelOf } from "./conf-state.ts";
import type { MembershipChange } from "./options.ts";
import type { ConfState, MemberId } from "./types.ts";

export interface ConfOperation {
  readonly kind: "voter" | "learner" | "remove" | "update";
  readonly id: MemberId;
  /** "" = leave it as it is. */
  readonly address: string;
}

export type ConfOutcome =
  | { readonly kind: "changed"; readonly conf: ConfState }
  | { readonly kind: "invalid"; readonly detail: string };

/** Without a joint configuration: at most one voter may differ afterwards. */
export function simpleChange(conf: ConfState, operations: readonly ConfOperation[]): ConfOutcome {
  if (isJoint(conf)) return invalid("can't apply simple config change in joint config");
  const draft = new ConfDraft(conf);
  draft.apply(operations);
  if (draft.voters.size === 0) return invalid("removed all voters");
  if (countDifferences(new Set(conf.voters), draft.voters) > 1) {
    return invalid("more than one voter changed without entering joint config");
  }
  return { kind: "changed", conf: draft.build() };
}

/** Both the old and the new voters must agree until the joint configuration is left. */
export function enterJoint(
  conf: ConfState,
  operations: readonly ConfOperation[],
  autoLeave: boolean,
): ConfOutcome {
  if (isJoint(conf)) return invalid("config is already joint");
  if (conf.voters.length === 0) return invalid("can't make a zero-voter config joint");
  const draft = new ConfDraft(conf);
  draft.outgoing = new Set(conf.voters);
  draft.apply(operations);
  if (draft.voters.size === 0) return invalid("removed all voters");
  draft.autoLeave = autoLeave;
  return { kind: "changed", conf: draft.build() };
}

export function leaveJoint(conf: ConfState): ConfOutcome {
  if (!isJoint(conf)) return invalid("can't leave a non-joint config");
  const draft = new ConfDraft(conf);
  for (const id of draft.learnersNext) draft.learners.add(id);
  draft.learnersNext.clear();
  draft.outgoing.clear();
  draft.autoLeave = false;
  return { kind: "changed", conf: draft.build() };
}

/** The entry that a wanted membership needs: joint whenever a voter differs, else direct. */
export function planChange(conf: ConfState, change: MembershipChange): ConfOutcome {
  const operations: ConfOperation[] = [
    ...(change.addVoters ?? []).map((m) => ({ kind: "voter" as const, ...m })),
    ...(change.addLearners ?? []).map((m) => ({ kind: "learner" as const, ...m })),
    ...(change.remove ?? []).map((id) => ({ kind: "remove" as const, id, address: "" })),
  ];
  if (change.level !== undefined) return raiseLevel(conf, change.level, operations);
  const named = operations.map((operation) => operation.id);
  if (operations.length === 0) return invalid("the change names no member");
  if (named.includes("")) return invalid("the change names a member without an id");
  if (new Set(named).size !== named.length) return invalid("the change names a member twice");
  if (isJoint(conf)) return invalid("config is already joint");
  const draft = new ConfDraft(conf);
  draft.apply(operations);
  if (draft.voters.size === 0) return invalid("removed all voters");
  return countDifferences(new Set(conf.voters), draft.voters) === 0
    ? simpleChange(conf, operations)
    : enterJoint(conf, operations, true);
}

/** Never lowered: what was written at a level must be understood for ever. */
function raiseLevel(
  conf: ConfState,
  level: number,
  operations: readonly ConfOperation[],
): ConfOutcome {
  const { level: current = 0 } = conf;
  if (operations.length > 0) return invalid("a level is raised by itself, without members");
  if (isJoint(conf)) return invalid("config is already joint");
  if (level <= current) return invalid(`level ${level} is not above ${current}`);
  return { kind: "changed", conf: Object.freeze({ ...conf, level }) };
}

/** Sets to work on; `build` freezes them, sorted, so that equal configurations are equal bytes. */
class ConfDraft {
  readonly voters: Set<MemberId>;
  outgoing: Set<MemberId>;
  readonly learners: Set<MemberId>;
  readonly learnersNext: Set<MemberId>;
  autoLeave: boolean;
  readonly #addresses: Map<MemberId, string>;
  readonly #level: Pick<ConfState, "level">;

  constructor(conf: ConfState) {
    this.voters = new Set(conf.voters);
    this.outgoing = new Set(conf.votersOutgoing);
    this.learners = new Set(conf.learners);
    this.learnersNext = new Set(conf.learnersNext);
    this.autoLeave = conf.autoLeave;
    this.#addresses = new Map(Object.entries(conf.addresses));
    this.#level = levelOf(conf);
  }

  apply(operations: readonly ConfOperation[]): void {
    for (const { kind, id, address } of operations) {
      if (id === "") continue;
      if (address !== "") this.#addresses.set(id, address);
      if (kind === "update") continue;
      this.voters.delete(id);
      this.learners.delete(id);
      this.learnersNext.delete(id);
      if (kind === "voter") this.voters.add(id);
      // A voter of the outgoing half cannot be a learner at the same time: it becomes one later.
      if (kind === "learner") (this.outgoing.has(id) ? this.learnersNext : this.learners).add(id);
    }
  }

  build(): ConfState {
    const members = new Set([...this.voters, ...this.outgoing, ...this.learners]);
    const addresses = [...this.#addresses].filter(([id]) => members.has(id)).sort(byFirst);
    return Object.freeze({
      voters: freezeSorted(this.voters),
      votersOutgoing: freezeSorted(this.outgoing),
      learners: freezeSorted(this.learners),
      learnersNext: freezeSorted(this.learnersNext),
      autoLeave: this.autoLeave,
      addresses: Object.freeze(Object.fromEntries(addresses)),
      ...this.#level,
    });
  }
}

function freezeSorted(ids: Set<MemberId>): readonly MemberId[] {
  return Object.freeze([...ids].sort());
}

function byFirst(a: readonly [string, string], b: readonly [string, string]): number {
  return a[0] < b[0] ? -1 : 1;
}

function countDifferences(a: Set<MemberId>, b: Set<MemberId>): number {
  let count = 0;
  for (const id of a) if (!b.has(id)) count += 1;
  for (const id of b) if (!a.has(id)) count += 1;
  return count;
}

function invalid(detail: string): ConfOutcome {
  return { kind: "invalid", detail };
}
