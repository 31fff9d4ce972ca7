/** The public face of a member: what an application implements and what it gets (RAFT.md §4.2). */
import type { MembershipChange, RandomSource } from "../core/options.ts";
import type { ConfState, MemberId, Message, Role, SnapshotMeta } from "../core/types.ts";
import type { Quarantine, RaftStorage } from "../wal/storage.ts";
import type { SpawnWorker } from "../wal/worker-port.ts";
import type { LevelRange } from "./feature-level.ts";
import type { ResultCodec } from "./session-stream.ts";

export interface Committed {
  readonly index: number;
  readonly term: number;
  readonly data: Uint8Array;
}

/**
 * Deterministic and synchronous. Called by one loop, never concurrently with itself; a throw is a
 * bug and stops the node. Indexes may have gaps: entries of the cluster's own are not shown.
 */
export interface StateMachine<R> {
  /** One result per entry, in order. */
  apply(entries: readonly Committed[]): readonly R[];
  /**
   * Digest of all that was applied so far, the same on every member that applied the same log:
   * a running one, for it is asked in the middle of the work, and kept in snapshots. With it a
   * member whose state has come to differ is found out (SPEC.md, "Agreement of states"). A change
   * of how it is made needs a feature level of its own.
   */
  digest?(): string;
  /** O(1) capture of the state at the last applied index; streamed later in slices. */
  snapshot(): { stream(): AsyncIterable<Uint8Array> };
  /**
   * Replaces the whole state. The pieces of `source` are cut differently than they were streamed.
   */
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
  /** At least: a log half as large as the last snapshot is worth another one. */
  readonly snapshotLogBytes: number;
  /** Behind a snapshot the log keeps so much for members that are a little late: the lesser one. */
  readonly trailingEntries: number;
  readonly trailingBytes: number;
  /** All that are being sent to members that are too far behind, together. */
  readonly snapshotBytesPerSecond: number;
  /** Sessions that are remembered; the one unused for longest goes first. The leader's counts. */
  readonly sessionsMax: number;
  /** Results kept for one session until its client acknowledges them; more are refused. */
  readonly sessionResultsMax: number;
  /** Of those results together; the last of them may go beyond. */
  readonly sessionResultBytesMax: number;
}

/** Given by `openSession`, never twice. */
export type SessionId = string;

/** Which command of which client it is: `ClientSession` counts them. */
export interface ProposalSession {
  readonly id: SessionId;
  /** From 1 on; a command that is proposed again has the same number. */
  readonly seq: number;
  /** The client has every outcome up to this number and proposes none of those again. */
  readonly acknowledged: number;
}

export interface ProposeOptions {
  readonly timeoutMs?: number;
  /**
   * Applied once, however often it is proposed and wherever; each proposal gets the first result.
   */
  readonly session?: ProposalSession;
}

/** Who this member is, as its peers must know it. */
export interface TransportSelf {
  readonly memberId: MemberId;
  readonly clusterId: string;
  readonly address: string;
}

/** Sends and receives messages between members; a lost message is allowed, a changed one is not. */
export interface Transport {
  /** Called once, when the member belongs to a cluster; before that nothing is sent or received. */
  start(handler: TransportHandler, self: TransportSelf): Promise<void>;
  /**
   * `address` is "" when the configuration names none: then only a peer that dialled us is reached.
   */
  send(to: MemberId, address: string, messages: readonly Message[]): void;
  /** Streams a snapshot on a connection of its own; rejects when the peer refused or vanished. */
  sendSnapshot(
    to: MemberId,
    address: string,
    message: Message,
    meta: SnapshotMeta,
    source: AsyncIterable<Uint8Array>,
  ): Promise<void>;
  close(): Promise<void>;
}

/** What another member streams. */
export interface SnapshotStream {
  /** Equal for equal bytes alone; "" where one that was broken off cannot go on. */
  readonly id: string;
  /** The bytes from there on; once. 0 where there is no id. */
  from(offset: number): AsyncIterable<Uint8Array>;
}

export interface TransportHandler {
  receive(messages: readonly Message[]): void;
  receiveSnapshot(message: Message, meta: SnapshotMeta, stream: SnapshotStream): Promise<void>;
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
  /** Index of the entry that holds `conf`; guards a change through `expectConfIndex`. */
  readonly confIndex: number;
  /** Index of the newest durable snapshot; 0 = none. */
  readonly snapshotIndex: number;
  /** Leader only; `active` = heard of within an election time-out. */
  readonly progress: Readonly<
    Record<MemberId, { match: number; next: number; state: string; active: boolean }>
  >;
  /** The application's feature level that all members understand; 0 = none is agreed on. */
  readonly level: number;
  /** Leader only: levels that the other members' programs understand, as far as they told. */
  readonly levels: Readonly<Record<MemberId, LevelRange>>;
  /** Why this member serves nothing: its state is not the majority's. */
  readonly quarantine: Quarantine | null;
  /** Leader only: members that said the same of themselves. */
  readonly quarantined: readonly MemberId[];
  /** Milliseconds since each other member was last heard of, or first known. */
  readonly silentMs: Readonly<Record<MemberId, number>>;
}

/**
 * The error codes a caller may act on (`DroverError`-like, but this package imports nothing of
 * ours).
 */
export class RaftError extends Error {
  override readonly name = "RaftError";
  /**
   * not-leader: nothing was written, ask `leaderAddress`. timeout-unknown: it may or may not be
   * applied, now or later. dropped: nothing was written and nothing will be. refused: the change or
   * transfer is not possible now. session-expired: this proposal is not applied; whether an earlier
   * one of the same command was, the cluster has forgotten. too-stale: read here was nothing.
   * quarantined: this member's state must not be read, ask another.
   */
  readonly code:
    | "not-leader"
    | "timeout-unknown"
    | "dropped"
    | "refused"
    | "session-expired"
    | "too-stale"
    | "quarantined"
    | "stopped"
    | "corrupt"
    | "io";
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
  /**
   * This member's state is not the majority's: it answers no read and never leads, for good. What
   * was read from the state machine itself must not be used either.
   */
  quarantine: (why: Quarantine) => void;
  /** The node cannot go on (disk error, corruption, bug): the process must end. */
  fatal: (error: Error) => void;
}

/**
 * linearizable: a quorum is asked. lease: the leader answers by itself while nobody else can lead;
 * on another member, or without a lease, a quorum is asked. stale: what is here, on any member.
 */
export type ReadMode = "linearizable" | "lease" | "stale";

export interface ReadOptions {
  readonly mode?: ReadMode;
  /** `stale` only: a state that may be older is refused. */
  readonly maxStalenessMs?: number;
  /** Of a stale read: how long it may wait for a state that is new enough. */
  readonly timeoutMs?: number;
}

export interface ReadPoint {
  /** The state here is at this index or beyond. */
  readonly index: number;
  /** How it was made sure; a quorum asked instead of a lease is `linearizable`. */
  readonly mode: ReadMode;
  /**
   * Everything committed so long before the answer is in the state; 0 unless `stale`. Infinity: not
   * known, as nothing was read here otherwise yet.
   */
  readonly ageMs: number;
}

export interface RaftNode<R> {
  readonly memberId: MemberId;
  readonly clusterId: string;
  /** As in the status: what is proposed must be understood by programs of this level. */
  readonly level: number;
  /** True when the data directory held no cluster yet. */
  readonly fresh: boolean;
  /**
   * Forms a cluster of exactly these voters; once ever, on every one of them with the same list.
   */
  bootstrap(options: {
    clusterId: string;
    voters: readonly { id: MemberId; address: string }[];
  }): Promise<void>;
  /** Adopts a cluster that another member will add us to (we start as a silent non-member). */
  join(options: { clusterId: string }): Promise<void>;
  /**
   * Leader only. Resolves when applied here; `timeout-unknown` means just that: unknown. `data` is
   * kept and must not be changed afterwards; more than 8 MiB are refused. With a session, a command
   * of unknown outcome may be proposed again: `index` and `term` are where it was applied.
   */
  propose(
    data: Uint8Array,
    options?: ProposeOptions,
  ): Promise<{ index: number; term: number; result: R }>;
  /** Leader only. For a client whose commands must be applied once (thesis §6.3). */
  openSession(options?: { timeoutMs?: number }): Promise<SessionId>;
  /**
   * Resolves once everything committed before the call is applied here; `stale`: at once, or as
   * soon as the state is new enough.
   */
  readBarrier(options?: ReadOptions): Promise<ReadPoint>;
  waitApplied(index: number, options?: { timeoutMs?: number }): Promise<void>;
  /**
   * Leader only. Resolves when the new configuration is in force and committed; a change of voters
   * passes through a joint configuration by itself.
   */
  changeMembership(change: MembershipChange, options?: { timeoutMs?: number }): Promise<void>;
  /** Resolves once another member leads; without `to` the most caught-up voter is asked. */
  transferLeadership(to?: MemberId): Promise<void>;
  /** Takes one now and resolves when it is durable. */
  snapshot(): Promise<SnapshotMeta>;
  status(): RaftStatus;
  /** Returns the removal of the listener. */
  on<E extends keyof RaftNodeEvents>(event: E, fn: RaftNodeEvents[E]): () => void;
  /** Hands leadership over first unless `transfer` is false; then closes log and transport. */
  stop(options?: { transfer?: boolean }): Promise<void>;
}

/** Monotonic time and wake-ups, so that a simulator can own both. */
export interface RaftTimers {
  /** Milliseconds, monotonic. */
  now(): number;
  /**
   * Milliseconds of a clock that goes on while the machine sleeps. Only how far it went is looked
   * at: leases need it, and ages of stale reads are wrong by a sleep without it.
   */
  wall?(): number;
  after(ms: number, fn: () => void): () => void;
  /** Soon, after the input that is waiting now: everything in between is handled as one turn. */
  soon(fn: () => void): void;
  /** When the code that runs now is done, before any further input. */
  atOnce(fn: () => void): void;
}

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface OpenRaftOptions<R> {
  readonly dataDir: string;
  /** host:port under which the other members reach us. */
  readonly address: string;
  readonly stateMachine: StateMachine<R>;
  readonly transport: Transport;
  readonly limits?: Partial<RaftLimits> | undefined;
  /**
   * Feature levels that this program understands. The leader raises the cluster's as soon as all
   * members understand a higher one; a program that does not understand it cannot take part.
   */
  readonly levels?: LevelRange | undefined;
  /**
   * Reads with `mode: "lease"` (thesis §6.4.1), which trust that clocks run equally fast to a tenth
   * and that a machine that was frozen finds its wall clock ahead. On all members alike: one
   * without keeps no lease, and a member must not be restarted without within an election time-out.
   * With it the crash hint is off. Default: false.
   */
  readonly leases?: boolean | undefined;
  /** How results are kept in snapshots for sessions; default: as msgpack. */
  readonly resultCodec?: ResultCodec<R> | undefined;
  /**
   * Default: log and snapshots under `dataDir`, in a worker thread. "memory": nothing is kept, for
   * a throw-away cluster of one.
   */
  readonly storage?: RaftStorage | "memory" | undefined;
  /** How the log's worker thread is started, for programs bundled into one file. */
  readonly spawnWorker?: SpawnWorker | undefined;
  readonly timers?: RaftTimers | undefined;
  readonly random?: RandomSource | undefined;
  /** Default: 128 random bits in hex. */
  readonly mintId?: (() => MemberId) | undefined;
  readonly log?:
    | ((level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>) => void)
    | undefined;
}
