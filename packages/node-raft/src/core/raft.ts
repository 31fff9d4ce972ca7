/**
 * The consensus core: a pure state machine. Inputs are the calls below, in any order, from one
 * loop; the output is what `takeEffects` hands out, asked once after each turn of inputs. Nothing
 * here knows a clock, a disk or a socket.
 *
 * The caller's duties: perform the writes of `Effects.appends` in order and report each with
 * `durable`, after sending its `onDurable`; send `Effects.send` at once; apply `Effects.apply` in
 * order and report with `applied`. All three may run side by side. A throw is a bug, or a disk that
 * lost what it had confirmed: the member must stop.
 */
import { assert } from "./assert.ts";
import { isVoter } from "./conf-state.ts";
import * as election from "./election.ts";
import { endLeaderTurn, handOver, tickLeader } from "./leader.ts";
import { proposeConf } from "./membership.ts";
import type {
  ConfResult,
  CoreOptions,
  CoreStatus,
  LeaseStatus,
  MembershipChange,
  ProgressStatus,
  ProposeResult,
  TransferResult,
} from "./options.ts";
import * as readIndex from "./read-index.ts";
import * as replication from "./replication.ts";
import { becomeFollower, resetElectionTimer } from "./roles.ts";
import { CoreState } from "./state.ts";
import { stepMessage } from "./step.ts";
import { transferLeader } from "./transfer.ts";
import type {
  Append,
  ConfState,
  Effects,
  Entry,
  MemberId,
  Message,
  Role,
  SnapshotMeta,
  SoftState,
} from "./types.ts";
import { EntryKind } from "./types.ts";

export class RaftCore {
  readonly #state: CoreState;
  #lastSoft: SoftState | null = null;
  #lastConf: ConfState | null = null;

  constructor(options: CoreOptions) {
    const { limits } = options;
    assert(options.id !== "", () => "a member has an id");
    assert(limits.heartbeatTicks >= 1, () => "heartbeatTicks must be at least 1");
    assert(
      limits.electionTicksMin > limits.heartbeatTicks,
      () => "electionTicksMin must exceed heartbeatTicks",
    );
    assert(
      limits.electionTicksMax >= limits.electionTicksMin,
      () => "electionTicksMax must not be below electionTicksMin",
    );
    this.#state = new CoreState(options);
    resetElectionTimer(this.#state);
  }

  /** One unit of time (`tickMs`) has passed. */
  tick(): void {
    const state = this.#state;
    state.ticks += 1;
    readIndex.tickReads(state);
    if (state.role === "leader") tickLeader(state);
    else election.tickElection(state);
  }

  /**
   * A message of another member arrived. A `snapshot` message is stepped only once its data is
   * durable in the snapshot store, with the meta of what was really received.
   */
  step(message: Message): void {
    stepMessage(this.#state, message);
  }

  /** Leader only; refused otherwise, and while a transfer runs or too much is uncommitted. */
  propose(
    data: readonly Uint8Array[],
    kind: typeof EntryKind.normal | typeof EntryKind.session = EntryKind.normal,
  ): ProposeResult {
    const state = this.#state;
    const { leader } = state;
    assert(data.length > 0, () => "nothing to propose");
    if (state.role !== "leader") return { kind: "refused", reason: "not-leader", leader };
    if (state.transfer !== null) return { kind: "refused", reason: "transferring", leader };
    const bytes = data.reduce((sum, item) => sum + item.length, 0);
    const { uncommittedBytes } = state;
    // One that is too large by itself must still be possible when nothing else is under way.
    if (uncommittedBytes > 0 && uncommittedBytes + bytes > state.limits.uncommittedBytesMax) {
      return { kind: "refused", reason: "uncommitted-limit", leader };
    }
    const firstIndex = state.log.lastIndex + 1;
    const items = data.map((item) => ({ kind, data: item }));
    replication.appendAsLeader(state, items);
    return { kind: "accepted", term: state.term, firstIndex, lastIndex: state.log.lastIndex };
  }

  /** Voters change through a joint configuration that is left by itself; one change at a time. */
  proposeConf(change: MembershipChange): ConfResult {
    return proposeConf(this.#state, change);
  }

  /** Answered in `Effects.reads` or `Effects.readsFailed`; ids are the caller's, never reused. */
  readIndex(requestId: number): void {
    readIndex.requestRead(this.#state, requestId);
  }

  /** Null: no reads by a lease, whatever the clock says. */
  lease(): LeaseStatus | null {
    return readIndex.leaseStatus(this.#state);
  }

  transferLeader(to: MemberId): TransferResult {
    return transferLeader(this.#state, to);
  }

  /**
   * From now on this member votes and keeps the log for the others, and never leads: what its state
   * machine holds must not be served. A leader hands over to a voter that is not among `avoid`.
   */
  standAside(avoid: ReadonlySet<MemberId>): void {
    const state = this.#state;
    state.standsAside = true;
    const heirs = state.conf.voters.filter((id) => id !== state.id && !avoid.has(id));
    if (state.role === "leader") handOver(state, heirs);
    else if (state.role !== "follower") becomeFollower(state, state.term, "");
  }

  /** The write, and every write before it, is on disk. */
  durable(append: Pick<Append, "seq">): void {
    const state = this.#state;
    const { stable, selfVoteTerm } = state.outbox.durable(append.seq);
    assert(stable <= state.log.lastIndex, () => `${stable} durable, the log is shorter`);
    state.log.stable = Math.max(state.log.stable, stable);
    if (selfVoteTerm !== 0) election.onSelfVoteDurable(state, selfVoteTerm);
  }

  /** The state machine now holds the snapshot of the last `Append.snapshot`. */
  snapshotInstalled(index: number): void {
    const state = this.#state;
    assert(index <= state.log.applying, () => `snapshot ${index} was not asked for`);
    state.applied = Math.max(state.applied, index);
    if (state.installing === index) state.installing = 0;
  }

  /** How a `snapshot` message of `Effects.send` ended; must be called once for each of them. */
  snapshotSent(to: MemberId, ok: boolean): void {
    replication.onSnapshotSent(this.#state, to, ok);
  }

  /** A message to the member could not be delivered. */
  unreachable(to: MemberId): void {
    replication.onUnreachable(this.#state, to);
  }

  /** Its socket closed and a reconnection was refused: the crash hint. */
  peerCrashed(id: MemberId): void {
    election.onPeerCrashed(this.#state, id);
  }

  /** The state machine has applied everything up to `index`. */
  applied(index: number): void {
    const state = this.#state;
    assert(index <= state.log.applying, () => `applied ${index} was not handed out`);
    state.applied = Math.max(state.applied, index);
  }

  /**
   * What a snapshot of the state machine at `index` (= the applied index) must carry. Not while
   * `status().installing`: the log no longer holds the applied index then.
   */
  snapshotMeta(index: number): SnapshotMeta {
    const state = this.#state;
    assert(index <= state.applied, () => `snapshot at ${index} above applied ${state.applied}`);
    const term = state.log.termAt(index);
    assert(term !== undefined, () => `the term of ${index} is not known any more`);
    return Object.freeze({ index, term, conf: state.confs.at(index) });
  }

  /** A local snapshot is durable. Call before `compacted`. */
  snapshotTaken(meta: SnapshotMeta): void {
    const state = this.#state;
    assert(meta.index <= state.applied, () => `snapshot at ${meta.index} above applied`);
    if (meta.index > (state.snapshot?.index ?? 0)) state.snapshot = meta;
  }

  /** Up to where the log may be forgotten behind a snapshot at `index` to keep so much of it. */
  forgettable(index: number, keep: { readonly entries: number; readonly bytes: number }): number {
    return Math.max(index - keep.entries, this.#state.log.tailBefore(index, keep.bytes));
  }

  /** Entries up to and including `index` were dropped from the disk; index <= the snapshot's. */
  compacted(index: number): void {
    const state = this.#state;
    const snapshotIndex = state.snapshot?.index ?? 0;
    assert(index <= snapshotIndex, () => `compaction at ${index}, snapshot at ${snapshotIndex}`);
    assert(index <= state.applied, () => `compaction at ${index} above applied ${state.applied}`);
    state.log.compact(index);
    state.confs.compact(index);
  }

  takeEffects(): Effects {
    const state = this.#state;
    endLeaderTurn(state);
    const append = state.outbox.takeAppend(state.log, state.hardState(), state.ticks);
    const { done: reads, failed: readsFailed } = state.reads;
    state.reads.done = [];
    state.reads.failed = [];
    return {
      appends: append === null ? [] : [append],
      send: state.outbox.takeSend(),
      apply: this.#takeApply(),
      reads,
      readsFailed,
      soft: this.#takeSoft(),
      conf: this.#takeConf(),
    };
  }

  status(): CoreStatus {
    const state = this.#state;
    const { log, confs } = state;
    const progress: Record<MemberId, ProgressStatus> = {};
    for (const [
      id,
      { match, next, state: phase, pendingSnapshot, recentActive },
    ] of state.tracker) {
      progress[id] = { match, next, state: phase, pendingSnapshot, recentActive };
    }
    return {
      id: state.id,
      role: this.#role(),
      term: state.term,
      vote: state.vote,
      leader: state.leader,
      commit: log.commit,
      applied: state.applied,
      stable: log.stable,
      firstIndex: log.firstIndex,
      lastIndex: log.lastIndex,
      conf: confs.current,
      confIndex: confs.currentIndex,
      transferTo: state.transfer?.to ?? "",
      installing: state.installing,
      progress,
    };
  }

  /** Committed and durable here: what a crash cannot take back. */
  #takeApply(): readonly Entry[] {
    const { log, installing } = this.#state;
    const to = Math.min(log.commit, log.stable);
    if (installing !== 0 || to <= log.applying) return [];
    const entries = log.slice(log.applying + 1, to);
    log.applying = to;
    return Object.freeze(entries);
  }

  #takeSoft(): SoftState | null {
    const { leader, term } = this.#state;
    const role = this.#role();
    const last = this.#lastSoft;
    if (last?.role === role && last.leader === leader && last.term === term) return null;
    this.#lastSoft = Object.freeze({ role, leader, term });
    return this.#lastSoft;
  }

  #takeConf(): ConfState | null {
    const { conf } = this.#state;
    if (conf === this.#lastConf) return null;
    this.#lastConf = conf;
    return conf;
  }

  #role(): Role {
    const { role, conf, id } = this.#state;
    return role === "follower" && !isVoter(conf, id) ? "learner" : role;
  }
}
