/** What a leader does at its start, on each tick and at the end of each turn. */
import { isJoint, isVoter } from "./conf-state.ts";
import { leaveJointWhenCommitted, reconcileTracker } from "./membership.ts";
import { jointVote } from "./quorum.ts";
import { broadcastHeartbeat, mintReads } from "./read-index.ts";
import { advanceCommit, appendAsLeader, flushReplication } from "./replication.ts";
import { becomeFollower, becomeLeaderRole } from "./roles.ts";
import type { CoreState } from "./state.ts";
import { sendTimeoutNow, tickTransfer } from "./transfer.ts";
import { EntryKind, type MemberId } from "./types.ts";

export function becomeLeader(state: CoreState): void {
  becomeLeaderRole(state);
  const { log } = state;
  state.uncommittedBytes = log.bytesBetween(log.commit + 1, log.lastIndex);
  // §8: what earlier terms left is committed together with the first entry of our own.
  appendAsLeader(state, [{ kind: EntryKind.noop, data: new Uint8Array(0) }]);
  reconcileTracker(state);
  // Their votes were heard before the office began; its first time-out counts like any other.
  for (const progress of state.tracker.values()) progress.recentActive = false;
}

export function tickLeader(state: CoreState): void {
  const { limits } = state;
  if (state.outbox.oldestAge(state.ticks) > limits.electionTicksMin) {
    // Our disk hangs: heartbeats would only keep the others from electing one that can write.
    becomeFollower(state, state.term, "");
    return;
  }
  state.electionElapsed += 1;
  if (state.electionElapsed >= limits.electionTicksMin) {
    state.electionElapsed = 0;
    if (!hasActiveQuorum(state)) {
      becomeFollower(state, state.term, "");
      return;
    }
  }
  tickTransfer(state);
  state.heartbeatElapsed += 1;
  if (state.heartbeatElapsed >= limits.heartbeatTicks) {
    state.heartbeatElapsed = 0;
    if (state.leases) state.reads.mintForLease();
    broadcastHeartbeat(state);
  }
}

/** Decides on all that the turn brought, once. */
export function endLeaderTurn(state: CoreState): void {
  if (state.role !== "leader") return;
  advanceCommit(state);
  leaveJointWhenCommitted(state);
  mintReads(state);
  flushReplication(state);
  if (isRemoved(state)) stepDownRemoved(state);
}

/** Check-quorum (thesis §6.2): a leader that a quorum does not hear stops, so clients move on. */
function hasActiveQuorum(state: CoreState): boolean {
  const { conf, tracker, id: self } = state;
  const result = jointVote(
    conf.voters,
    conf.votersOutgoing,
    (id) => id === self || (tracker.get(id)?.recentActive ?? false),
  );
  for (const progress of tracker.values()) progress.recentActive = false;
  return result === "won";
}

/** Thesis §4.2.2: a removed leader manages the cluster until its removal is committed. */
function isRemoved(state: CoreState): boolean {
  const { conf, confs, log } = state;
  return !isJoint(conf) && !isVoter(conf, state.id) && log.commit >= confs.currentIndex;
}

function stepDownRemoved(state: CoreState): void {
  handOver(state, state.conf.voters);
}

/** Leads no more, at once; an heir that has the whole log need not wait for its time-out. */
export function handOver(state: CoreState, heirs: readonly MemberId[]): void {
  const { log, tracker } = state;
  const heir = heirs.find((id) => tracker.get(id)?.match === log.lastIndex);
  if (heir !== undefined) sendTimeoutNow(state, heir);
  becomeFollower(state, state.term, "");
}
