/**
 * Who may change the configuration, and when (thesis §4.3, RAFT.md §2.5 rows 1 and 2): the leader,
 * one change at a time, and none before an entry of its own term is committed.
 */
import { assert } from "./assert.ts";
import { leaveJoint, planChange } from "./conf-change.ts";
import { allMembers, encodeConf, isJoint, isVoter } from "./conf-state.ts";
import { Inflights } from "./inflights.ts";
import type { ConfResult, CoreLimits, MembershipChange } from "./options.ts";
import { Progress } from "./progress.ts";
import { appendAsLeader } from "./replication.ts";
import type { CoreState } from "./state.ts";
import type { ConfState, MemberId } from "./types.ts";
import { EntryKind } from "./types.ts";

export function proposeConf(state: CoreState, change: MembershipChange): ConfResult {
  const { log, confs } = state;
  if (state.role !== "leader") return refused("not-leader", `the leader is "${state.leader}"`);
  if (state.transfer !== null) {
    return refused("transferring", `leadership is being transferred to ${state.transfer.to}`);
  }
  if (log.termAt(log.commit) !== state.term) {
    return refused("leader-not-ready", "no entry of the leader's own term is committed yet");
  }
  if (isJoint(state.conf) || confs.currentIndex > log.commit) {
    return refused("change-pending", `the change at index ${confs.currentIndex} is not finished`);
  }
  const expected = change.expectConfIndex;
  if (expected !== undefined && expected !== confs.currentIndex) {
    const detail = `expected the configuration of index ${expected}, it is ${confs.currentIndex}`;
    return refused("conf-index-changed", detail);
  }
  const outcome = planChange(state.conf, change);
  if (outcome.kind === "invalid") return refused("invalid", outcome.detail);
  appendConf(state, outcome.conf);
  return { kind: "accepted", term: state.term, index: log.lastIndex };
}

/** The second half of a joint change follows by itself, also under a leader that inherited it. */
export function leaveJointWhenCommitted(state: CoreState): void {
  const { log, confs, conf } = state;
  if (!isJoint(conf) || !conf.autoLeave || confs.currentIndex > log.commit) return;
  if (log.termAt(log.commit) !== state.term) return;
  const outcome = leaveJoint(conf);
  assert(outcome.kind === "changed", () => "a joint configuration can be left");
  appendConf(state, outcome.conf);
}

/** Members of the configuration in force get a progress, others lose theirs. */
export function reconcileTracker(state: CoreState): void {
  const others = allMembers(state.conf).filter((id) => id !== state.id);
  reconcileProgress(state.tracker, others, Math.max(1, state.log.lastIndex), state.limits);
}

export function reconcileProgress(
  tracker: Map<MemberId, Progress>,
  members: readonly MemberId[],
  next: number,
  window: Pick<CoreLimits, "inflightMessagesMax" | "inflightBytesMax">,
): void {
  for (const id of [...tracker.keys()]) if (!members.includes(id)) tracker.delete(id);
  for (const id of members) {
    if (tracker.has(id)) continue;
    const inflights = new Inflights(window.inflightMessagesMax, window.inflightBytesMax);
    // Counts as heard from until the first check, so that adding members never unseats the leader.
    tracker.set(id, new Progress(next, true, inflights));
  }
}

function appendConf(state: CoreState, conf: ConfState): void {
  appendAsLeader(state, [{ kind: EntryKind.config, data: encodeConf(conf) }]);
  reconcileTracker(state);
  if (state.transfer !== null && !isVoter(conf, state.transfer.to)) state.transfer = null;
}

function refused(
  reason: Extract<ConfResult, { kind: "refused" }>["reason"],
  detail: string,
): ConfResult {
  return { kind: "refused", reason, detail };
}
