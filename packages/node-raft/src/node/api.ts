/** The public face of a member: what an application implements and what it gets (RAFT.md §4.2). */
import type { ConfState, MemberId, Role, SnapshotMeta } from "../core/types.ts";

export interface Committed {
  readonly index: number;
  readonly term: number;
  readonly data: Uint8Array;
}

/**
 * Deterministic and synchronous. Called by one loop, never concurrently with itself; a throw is a
 * bug and stops the node.
 */
export interface StateMachine<R> {
  /** One result per entry, in order. */
  apply(entries: readonly Committed[]): readonly R[];
  /** O(1) capture of the state at the last applied index; streamed later in slices. */
  snapshot(): { stream(): AsyncIterable<Uint8Array> };
  restore(meta: SnapshotMeta, source: AsyncIterable<Uint8Array>): Promise<void>;
}

export interface RaftLimits {
  readonly tickMs: number;
  readonly heartbeatTicks: number;
  readonly electionTicksMin: number;
  readonly electionTicksMax: number;
  readonly inflightMessagesMax: number;
  readonly inflightBytesMax: number;
  readonly messageBytesMax: number;
  readonly uncommittedBytesMax: number;
  readonly snapshotEntries: number;
  readonly snapshotLogBytes: number;
  readonly trailingEntries: number;
}

/** Sends and receives messages between members; a lost message is allowed, a changed one is not. */
export interface Transport {
  start(handler: TransportHandler): Promise<void>;
  send(
    to: MemberId,
    address: string,
    messages: readonly import("../core/types.ts").Message[],
  ): void;
  /** Streams a snapshot on a connection of its own; rejects when the peer refused or vanished. */
  sendSnapshot(
    to: MemberId,
    address: string,
    message: import("../core/types.ts").Message,
    meta: SnapshotMeta,
    source: AsyncIterable<Uint8Array>,
  ): Promise<void>;
  close(): Promise<void>;
}

export interface TransportHandler {
  receive(messages: readonly import("../core/types.ts").Message[]): void;
  receiveSnapshot(
    message: import("../core/types.ts").Message,
    meta: SnapshotMeta,
    source: AsyncIterable<Uint8Array>,
  ): Promise<void>;
  /** The peer's socket closed and a new connection was refused at once: it has crashed. */
  peerCrashed(peer: MemberId): void;
  peerUnreachable(peer: MemberId): void;
}

export interface RaftStatus {
  readonly memberId: MemberId;
  readonly clusterId: string;
  readonly role: Role;
  readonly term: number;
  readonly leader: MemberId | "";
  readonly leaderAddress: string;
  readonly commit: number;
  readonly applied: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly conf: ConfState;
  readonly progress: Readonly<Record<MemberId, { match: number; next: number; state: string }>>;
}

/** The error codes a caller may act on (`DroverError`-like, but this package imports nothing of ours). */
export class RaftError extends Error {
  override readonly name = "RaftError";
  readonly code: "not-leader" | "timeout-unknown" | "dropped" | "stopped" | "corrupt" | "io";
  readonly leaderAddress: string;
  constructor(
    code: RaftError["code"],
    message: string,
    options: { leaderAddress?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.leaderAddress = options.leaderAddress ?? "";
  }
}

export interface RaftNodeEvents {
  /** Leadership gained or lost; `term` fences everything done under it. */
  leadership: (state: {
    leader: MemberId | "";
    leaderAddress: string;
    term: number;
    self: boolean;
  }) => void;
  config: (conf: ConfState) => void;
  /** The node cannot go on (disk error, corruption, bug): the process must end. */
  fatal: (error: Error) => void;
}

export interface RaftNode<R> {
  readonly memberId: MemberId;
  readonly clusterId: string;
  /** True when the data directory held no cluster yet. */
  readonly fresh: boolean;
  /** Forms a cluster of exactly these voters; once ever, on every one of them with the same list. */
  bootstrap(options: {
    clusterId: string;
    voters: readonly { id: MemberId; address: string }[];
  }): Promise<void>;
  /** Adopts a cluster that another member will add us to (we start as a silent non-member). */
  join(options: { clusterId: string }): Promise<void>;
  /** Leader only. Resolves when applied here; `timeout-unknown` means just that: unknown. */
  propose(
    data: Uint8Array,
    options?: { timeoutMs?: number },
  ): Promise<{ index: number; term: number; result: R }>;
  /** Resolves once everything committed before the call is applied here. */
  readBarrier(options?: { timeoutMs?: number }): Promise<{ index: number }>;
  waitApplied(index: number, options?: { timeoutMs?: number }): Promise<void>;
  changeMembership(change: {
    readonly addVoters?: readonly { id: MemberId; address: string }[];
    readonly addLearners?: readonly { id: MemberId; address: string }[];
    readonly remove?: readonly MemberId[];
  }): Promise<void>;
  transferLeadership(to?: MemberId): Promise<void>;
  snapshot(): Promise<SnapshotMeta>;
  status(): RaftStatus;
  on<E extends keyof RaftNodeEvents>(event: E, fn: RaftNodeEvents[E]): () => void;
  stop(options?: { transfer?: boolean }): Promise<void>;
}
