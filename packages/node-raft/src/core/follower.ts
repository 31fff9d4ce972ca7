/** The receiving side of replication (paper §5.3, §7). */
import { assert } from "./assert.ts";
import { forgetCrash } from "./election.ts";
import { becomeFollower } from "./roles.ts";
import type { CoreState } from "./state.ts";
import type { Entry, Message } from "./types.ts";

type LeaderMessage = Message & { type: "append" | "heartbeat" | "snapshot" };

/** Of this term and from its only leader: the time-out starts again. */
export function acceptLeader(state: CoreState, message: LeaderMessage): void {
  assert(state.role !== "leader", () => `two leaders in term ${state.term}: ${message.from}`);
  if (state.role !== "follower") becomeFollower(state, state.term, message.from);
  assert(
    state.leader === "" || state.leader === message.from,
    () => `two leaders in term ${state.term}: ${state.leader} and ${message.from}`,
  );
  state.leader = message.from;
  state.electionElapsed = 0;
  state.heardLeaderAtTick = state.ticks;
  forgetCrash(state);
}

export function onAppend(state: CoreState, message: Message & { type: "append" }): void {
  const { log } = state;
  if (message.prevIndex < log.commit) {
    // An old message: what we committed agrees with any leader.
    acknowledge(state, message, log.commit);
    return;
  }
  if (log.termAt(message.prevIndex) !== message.prevTerm) {
    refuse(state, message);
    return;
  }
  appendNew(state, message.entries);
  const lastNew = message.prevIndex + message.entries.length;
  log.commitTo(Math.min(message.commit, lastNew));
  acknowledge(state, message, lastNew);
}

export function onHeartbeat(state: CoreState, message: Message & { type: "heartbeat" }): void {
  state.log.commitTo(message.commit);
  const reply = {
    type: "heartbeatReply" as const,
    from: state.id,
    to: message.from,
    term: state.term,
    readSeq: message.readSeq,
  };
  state.outbox.sendNow(state.leases ? { ...reply, keepsLease: true } : reply);
}

/**
 * The data is durable in the snapshot store already; here it is decided whether the log needs it.
 */
export function onSnapshot(state: CoreState, message: Message & { type: "snapshot" }): void {
  const { log } = state;
  const { meta } = message;
  if (meta.index > log.commit) {
    if (log.termAt(meta.index) === meta.term) {
      // We hold all of it as entries, so nothing is replaced.
      log.commitTo(meta.index);
    } else {
      log.restart(meta.index, meta.term);
      state.confs.restart(meta.index, meta.conf);
      state.outbox.installSnapshot(meta);
      state.snapshot = meta;
      state.installing = meta.index;
    }
  }
  acknowledge(state, message, log.commit);
}

/** A leader of a term that is over learns so from the term of the answer. */
export function refuseStaleLeader(state: CoreState, message: LeaderMessage): void {
  const { term } = state;
  state.outbox.sendNow({
    type: "heartbeatReply",
    from: state.id,
    to: message.from,
    term,
    readSeq: 0,
  });
}

/** Only an entry that differs makes us drop what follows it (RAFT.md §2.5 row 21). */
function appendNew(state: CoreState, entries: readonly Entry[]): void {
  const { log } = state;
  for (const entry of entries) {
    const known = log.termAt(entry.index);
    if (known === entry.term) continue;
    if (known !== undefined) state.truncateFrom(entry.index);
    state.appendEntry(entry);
  }
}

function acknowledge(state: CoreState, message: LeaderMessage, index: number): void {
  const reply = {
    type: "appendReply" as const,
    from: state.id,
    to: message.from,
    term: state.term,
    ok: true,
    index,
    hintIndex: 0,
    hintTerm: 0,
    readSeq: message.type === "append" ? message.readSeq : 0,
  };
  state.outbox.sendWhenDurable(state.leases ? { ...reply, keepsLease: true } : reply);
}

function refuse(state: CoreState, message: Message & { type: "append" }): void {
  const { log } = state;
  const hintIndex = log.findConflictByTerm(message.prevIndex, message.prevTerm);
  state.outbox.sendNow({
    type: "appendReply",
    from: state.id,
    to: message.from,
    term: state.term,
    ok: false,
    index: message.prevIndex,
    hintIndex,
    hintTerm: log.termAt(hintIndex) ?? 0,
    readSeq: message.readSeq,
  });
}
