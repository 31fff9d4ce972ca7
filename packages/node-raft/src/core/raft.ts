/**
 * The consensus core: a pure state machine. Inputs are the calls below, in any order, from one loop;
 * the output is what `takeEffects` hands out. Nothing here knows a clock, a disk or a socket.
 */
import type {
  ConfResult,
  CoreOptions,
  CoreStatus,
  MembershipChange,
  ProposeResult,
  TransferResult,
} from "./options.ts";
import type { Append, Effects, MemberId, Message, SnapshotMeta } from "./types.ts";

export class RaftCore {
  constructor(options: CoreOptions) {
    void options;
  }

  /** One unit of time (`tickMs`) has passed. */
  tick(): void {}

  /**
   * A message of another member arrived. A `snapshot` message is stepped only once its data is durable
   * in the snapshot store, with the meta of what was really received.
   */
  step(message: Message): void {
    void message;
  }

  /** Leader only; refused otherwise, and while a transfer runs or too much is uncommitted. */
  propose(data: readonly Uint8Array[]): ProposeResult {
    void data;
    throw new Error("not built yet");
  }

  /** Voters change through a joint configuration that is left by itself; one change at a time. */
  proposeConf(change: MembershipChange): ConfResult {
    void change;
    throw new Error("not built yet");
  }

  /** Answered in `Effects.reads` or `Effects.readsFailed`; ids are the caller's, never reused. */
  readIndex(requestId: number): void {
    void requestId;
  }

  transferLeader(to: MemberId): TransferResult {
    void to;
    throw new Error("not built yet");
  }

  /** The write, and every write before it, is on disk. */
  durable(append: Pick<Append, "seq">): void {
    void append;
  }

  /** The state machine now holds the snapshot of the last `Append.snapshot`. */
  snapshotInstalled(index: number): void {
    void index;
  }

  /** How a `snapshot` message of `Effects.send` ended; must be called once for each of them. */
  snapshotSent(to: MemberId, ok: boolean): void {
    void to;
    void ok;
  }

  /** A message to the member could not be delivered. */
  unreachable(to: MemberId): void {
    void to;
  }

  /** Its socket closed and a reconnection was refused: the crash hint. */
  peerCrashed(id: MemberId): void {
    void id;
  }

  /** The state machine has applied everything up to `index`. */
  applied(index: number): void {
    void index;
  }

  /** What a snapshot of the state machine at `index` (= the applied index) must carry. */
  snapshotMeta(index: number): SnapshotMeta {
    void index;
    throw new Error("not built yet");
  }

  /** A local snapshot is durable. Call before `compacted`. */
  snapshotTaken(meta: SnapshotMeta): void {
    void meta;
  }

  /** Entries up to and including `index` were dropped from the disk; index <= the snapshot's. */
  compacted(index: number): void {
    void index;
  }

  takeEffects(): Effects {
    throw new Error("not built yet");
  }

  status(): CoreStatus {
    throw new Error("not built yet");
  }
}
