/**
 * The leader's side of the log (paper §5.3): appending, sending within each member's window, taking
 * replies, committing. Sending happens at the end of a turn, so that what came together goes
 * together.
 */
import { assert } from "./assert.ts";
import type { Progress } from "./progress.ts";
import { jointIndex } from "./quorum.ts";
import { onReadEcho } from "./read-index.ts";
import type { CoreState } from "./state.ts";
import { onTransferProgress } from "./transfer.ts";
import type { Entry, EntryKind, MemberId, Message } from "./types.ts";

export function appendAsLeader(
  state: CoreState,
  items: readonly { readonly kind: EntryKind; readonly data: Uint8Array }[],
): void {
  assert(state.role === "leader", () => `a ${state.role} does not append`);
  for (const { kind, data } of items) {
    state.uncommittedBytes += data.length;
    state.appendEntry({ index: state.log.lastIndex + 1, term: state.term, kind, data });
  }
}

/** §5.4.2: only an entry of the own term is committed by counting; earlier ones come along. */
export function advanceCommit(state: CoreState): void {
  const { log, conf } = state;
  const reached = (id: MemberId) =>
    // Our own copy counts when it is on disk, like everyone's.
    id === state.id ? log.stable : state.tracker.get(id)?.match;
  const index = jointIndex(conf.voters, conf.votersOutgoing, reached);
  if (index <= log.commit || log.termAt(index) !== state.term) return;
  state.uncommittedBytes -= log.bytesBetween(log.commit + 1, index);
  log.commitTo(index);
}

export function flushReplication(state: CoreState): void {
  for (const [to, progress] of state.tracker) {
    while (sendAppend(state, to, progress)) {
      // Until the window is full or nothing is left.
    }
  }
}

export function onAppendReply(state: CoreState, message: Message & { type: "appendReply" }): void {
  const progress = state.tracker.get(message.from);
  if (progress === undefined) return;
  progress.recentActive = true;
  onReadEcho(state, message);
  if (message.ok) onAcknowledged(state, message.from, progress, message.index);
  else progress.refuse(message.index, nextGuess(state, message));
}

export function onHeartbeatReply(
  state: CoreState,
  message: Message & { type: "heartbeatReply" },
): void {
  const progress = state.tracker.get(message.from);
  if (progress === undefined) return;
  progress.recentActive = true;
  progress.probeSent = false;
  // Messages may have been lost on the way; the window would stay full for ever.
  progress.mustCheck = progress.state === "replicate" && progress.inflights.size > 0;
  onReadEcho(state, message);
}

/** A message was not delivered: what was sent ahead may be lost. */
export function onUnreachable(state: CoreState, id: MemberId): void {
  const progress = state.tracker.get(id);
  if (progress?.state === "replicate") progress.becomeProbe();
}

export function onSnapshotSent(state: CoreState, to: MemberId, ok: boolean): void {
  const progress = state.tracker.get(to);
  if (progress === undefined || progress.state !== "snapshot") return;
  if (!ok) progress.pendingSnapshot = 0;
  progress.becomeProbe();
  // The next heartbeat's reply tells that the member is there to go on.
  progress.probeSent = true;
}

function onAcknowledged(state: CoreState, from: MemberId, progress: Progress, index: number): void {
  assert(index <= state.log.lastIndex, () => `${from} acknowledges ${index}, we have less`);
  const news = progress.acknowledge(index);
  if (progress.state === "probe") {
    if (news || index === progress.match) progress.becomeReplicate();
  } else if (progress.state === "snapshot") {
    // Up to date by another way than the snapshot on its way.
    if (progress.match + 1 >= state.log.firstIndex) progress.becomeReplicate();
  } else {
    progress.inflights.freeTo(index);
  }
  onTransferProgress(state, from, progress);
}

/** Where the logs may agree: one round trip per term in doubt, not per entry. */
function nextGuess(state: CoreState, message: Message & { type: "appendReply" }): number {
  if (message.hintTerm === 0) return message.hintIndex;
  return state.log.findConflictByTerm(message.hintIndex, message.hintTerm);
}

function sendAppend(state: CoreState, to: MemberId, progress: Progress): boolean {
  const { log, limits } = state;
  const mustCheck = progress.mustCheck;
  progress.mustCheck = false;
  if (progress.isPaused() && !mustCheck) return false;
  const hasEntries = progress.next <= log.lastIndex;
  const mustProbe = progress.state === "probe" && progress.match < progress.next - 1;
  const tellsCommit = log.commit > progress.sentCommit;
  if (!hasEntries && !mustProbe && !tellsCommit && !mustCheck) return false;
  const prevIndex = progress.next - 1;
  const prevTerm = log.termAt(prevIndex);
  if (prevTerm === undefined) return sendSnapshot(state, to, progress);
  const room = hasEntries && !progress.isPaused();
  const entries = room ? log.sliceBytes(progress.next, limits.messageBytesMax) : [];
  state.outbox.sendNow({
    type: "append",
    from: state.id,
    to,
    term: state.term,
    prevIndex,
    prevTerm,
    entries: Object.freeze(entries),
    commit: log.commit,
    readSeq: state.reads.seq,
  });
  noteSent(progress, entries, log.commit);
  return entries.length > 0;
}

function noteSent(progress: Progress, entries: readonly Entry[], commit: number): void {
  progress.sentCommit = commit;
  if (progress.state === "probe") {
    progress.probeSent = true;
    return;
  }
  const last = entries.at(-1);
  if (last === undefined) return;
  progress.next = last.index + 1;
  progress.inflights.add(
    last.index,
    entries.reduce((sum, entry) => sum + entry.data.length, 0),
  );
}

function sendSnapshot(state: CoreState, to: MemberId, progress: Progress): boolean {
  const meta = state.snapshot;
  // A silent member would only keep the transfer, and the log with it, pinned.
  if (!progress.recentActive) return false;
  assert(meta !== null, () => `${to} needs compacted entries and there is no snapshot`);
  progress.becomeSnapshot(meta.index);
  state.outbox.sendNow({ type: "snapshot", from: state.id, to, term: state.term, meta });
  return false;
}
