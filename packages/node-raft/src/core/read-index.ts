/**
 * Linearizable reads (thesis §6.4). The leader notes its commit index, mints a token (its term,
 * next seq) and lets it ride on heartbeats; a quorum that echoes the token proves that no later
 * leader existed when the read arrived. Tokens are the leader's own and never reused (RAFT.md §2.5
 * row 7).
 */
import { allMembers } from "./conf-state.ts";
import type { LeaseStatus } from "./options.ts";
import { jointIndex } from "./quorum.ts";
import type { ReadRequest } from "./read-queue.ts";
import type { CoreState } from "./state.ts";
import type { MemberId, Message } from "./types.ts";

export function requestRead(state: CoreState, requestId: number): void {
  const { reads } = state;
  if (state.role === "leader") {
    reads.waiting.push({ from: state.id, requestId });
  } else if (state.leader === "") {
    reads.failed.push(requestId);
  } else {
    const wireId = reads.mintWireId();
    reads.forwarded.set(wireId, { requestId, sentAtTick: state.ticks });
    state.outbox.sendNow({
      type: "readIndex",
      from: state.id,
      to: state.leader,
      term: state.term,
      requestId: wireId,
    });
  }
}

/** A follower asks. */
export function onReadIndex(state: CoreState, message: Message & { type: "readIndex" }): void {
  const request = { from: message.from, requestId: message.requestId };
  if (state.role === "leader") state.reads.waiting.push(request);
  else answer(state, request, 0);
}

/** The leader answers. A reply of another term, or to a request given up, finds nothing. */
export function onReadIndexReply(
  state: CoreState,
  message: Message & { type: "readIndexReply" },
): void {
  const pending = state.reads.forwarded.get(message.requestId);
  if (pending === undefined || message.from !== state.leader) return;
  state.reads.forwarded.delete(message.requestId);
  if (message.index === 0) state.reads.failed.push(pending.requestId);
  else state.reads.done.push({ requestId: pending.requestId, index: message.index });
}

/** End of a turn: one token for all that asked in it, once an own-term entry is committed. */
export function mintReads(state: CoreState): void {
  const { reads, log } = state;
  if (state.role !== "leader" || reads.waiting.length === 0) return;
  // Before that, the commit index may lag behind what earlier leaders acknowledged (§8).
  if (log.termAt(log.commit) !== state.term) return;
  reads.seq += 1;
  reads.minted.push({ seq: reads.seq, index: log.commit, requests: reads.waiting });
  reads.waiting = [];
  broadcastHeartbeat(state);
  releaseReads(state);
}

export function onReadEcho(
  state: CoreState,
  { from, readSeq: seq, keepsLease }: { from: MemberId; readSeq: number; keepsLease?: boolean },
): void {
  if (keepsLease === true) {
    state.reads.kept.set(from, Math.max(seq, state.reads.kept.get(from) ?? 0));
  }
  const known = state.reads.echoed.get(from) ?? 0;
  if (seq <= known) return;
  state.reads.echoed.set(from, seq);
  releaseReads(state);
}

/** A forwarded request that got no answer in time is to be asked again, with a new number. */
export function tickReads(state: CoreState): void {
  for (const [wireId, { requestId, sentAtTick }] of state.reads.forwarded) {
    if (state.ticks - sentAtTick < state.limits.electionTicksMin) break;
    state.reads.forwarded.delete(wireId);
    state.reads.failed.push(requestId);
  }
}

/** Leadership, ours or another's, is in doubt: nothing asked under it may be answered any more. */
export function failReads(state: CoreState): void {
  const { reads } = state;
  const asked = [...reads.minted.flatMap((batch) => batch.requests), ...reads.waiting];
  for (const { from, requestId } of asked) if (from === state.id) reads.failed.push(requestId);
  for (const { requestId } of reads.forwarded.values()) reads.failed.push(requestId);
  reads.waiting = [];
  reads.minted = [];
  reads.seq = 0;
  reads.echoed.clear();
  reads.kept.clear();
  reads.leaseOver = false;
  reads.forwarded.clear();
}

/** Heartbeats carry the newest token, so a lost one is repeated by the next. */
export function broadcastHeartbeat(state: CoreState): void {
  for (const to of allMembers(state.conf)) {
    const progress = state.tracker.get(to);
    if (progress === undefined) continue;
    state.outbox.sendNow({
      type: "heartbeat",
      from: state.id,
      to,
      term: state.term,
      // More than what is known to be there could commit an entry of another history.
      commit: Math.min(progress.match, state.log.commit),
      readSeq: state.reads.seq,
    });
  }
}

/** Null: not the leader, or none that may read by a lease (I1; T§6.4.1; a transfer has begun). */
export function leaseStatus(state: CoreState): LeaseStatus | null {
  const { reads, conf, log, term } = state;
  if (!state.leases || state.role !== "leader" || reads.leaseOver) return null;
  if (log.termAt(log.commit) !== term) return null;
  const seqOf = (id: MemberId) => (id === state.id ? reads.seq : reads.kept.get(id));
  const confirmed = jointIndex(conf.voters, conf.votersOutgoing, seqOf);
  return { term, commit: log.commit, seq: reads.seq, confirmed };
}

function releaseReads(state: CoreState): void {
  const { reads, conf } = state;
  const seqOf = (id: MemberId) => (id === state.id ? reads.seq : reads.echoed.get(id));
  const confirmed = jointIndex(conf.voters, conf.votersOutgoing, seqOf);
  while (reads.minted[0] !== undefined && reads.minted[0].seq <= confirmed) {
    const batch = reads.minted.shift();
    for (const request of batch?.requests ?? []) answer(state, request, batch?.index ?? 0);
  }
}

function answer(state: CoreState, request: ReadRequest, index: number): void {
  if (request.from === state.id) {
    state.reads.done.push({ requestId: request.requestId, index });
    return;
  }
  state.outbox.sendNow({
    type: "readIndexReply",
    from: state.id,
    to: request.from,
    term: state.term,
    requestId: request.requestId,
    index,
  });
}
