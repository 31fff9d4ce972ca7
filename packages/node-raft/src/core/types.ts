/**
 * The vocabulary shared by the core, the log on disk, the transport and the driver. The core is
 * pure: inputs are `tick`, `step` and a few calls, the output is one `Effects` record per turn
 * (RAFT.md §4.2, §4.3). Entries are frozen and never shared mutably.
 */

/** 128-bit random hex, minted with the data directory and never reused. */
export type MemberId = string;

/** session: a command, or the opening, of a client's session; the driver knows what it holds. */
export const EntryKind = { normal: 0, config: 1, noop: 2, session: 3 } as const;
export type EntryKind = (typeof EntryKind)[keyof typeof EntryKind];

export interface Entry {
  readonly index: number;
  readonly term: number;
  readonly kind: EntryKind;
  readonly data: Uint8Array;
}

export interface HardState {
  readonly term: number;
  /** "" = no vote in this term. */
  readonly vote: MemberId | "";
  readonly commit: number;
}

/** Joint configuration: `votersOutgoing` is empty outside a change (thesis §4.3). */
export interface ConfState {
  readonly voters: readonly MemberId[];
  readonly votersOutgoing: readonly MemberId[];
  readonly learners: readonly MemberId[];
  /** Voters that become learners when the joint configuration is left. */
  readonly learnersNext: readonly MemberId[];
  readonly autoLeave: boolean;
  /** host:port of each member that has one. */
  readonly addresses: Readonly<Record<MemberId, string>>;
  /** What every member understands, of the application's feature levels; absent = 0, none yet. */
  readonly level?: number;
}

export interface SnapshotMeta {
  readonly index: number;
  readonly term: number;
  /** The configuration at exactly `index`. */
  readonly conf: ConfState;
}

export type Message =
  | {
      readonly type: "append";
      readonly from: MemberId;
      readonly to: MemberId;
      readonly term: number;
      readonly prevIndex: number;
      readonly prevTerm: number;
      readonly entries: readonly Entry[];
      readonly commit: number;
      /** Highest leader-minted read sequence that rides on this message; 0 = none. */
      readonly readSeq: number;
    }
  | {
      readonly type: "appendReply";
      readonly from: MemberId;
      readonly to: MemberId;
      readonly term: number;
      readonly ok: boolean;
      /** ok: highest index known durable here; refused: the index that did not match. */
      readonly index: number;
      /** Refused: where the follower suggests to continue. */
      readonly hintIndex: number;
      readonly hintTerm: number;
      readonly readSeq: number;
      /** The sender keeps leases (options.ts); left out by those that do not. */
      readonly keepsLease?: boolean;
    }
  | {
      readonly type: "heartbeat";
      readonly from: MemberId;
      readonly to: MemberId;
      readonly term: number;
      /** min(match, commit) of that follower. */
      readonly commit: number;
      readonly readSeq: number;
      // Of the driver, which compares states; the core does not look at it (agreement.ts).
      /** The checkpoint whose digest is asked for. */
      readonly checkIndex?: number;
      /** What a majority has alike at a checkpoint. */
      readonly agreedIndex?: number;
      readonly agreedDigest?: string;
    }
  | {
      readonly type: "heartbeatReply";
      readonly from: MemberId;
      readonly to: MemberId;
      readonly term: number;
      readonly readSeq: number;
      readonly keepsLease?: boolean;
      // Of the driver, as in the heartbeat.
      readonly checkIndex?: number;
      readonly checkDigest?: string;
      readonly quarantined?: boolean;
      /** Feature levels that the member's program understands. */
      readonly levelMin?: number;
      readonly levelMax?: number;
    }
  | {
      readonly type: "preVote" | "vote";
      readonly from: MemberId;
      readonly to: MemberId;
      readonly term: number;
      readonly lastIndex: number;
      readonly lastTerm: number;
      /** A leadership transfer: the vote lease does not hold against it. */
      readonly forced: boolean;
      /** The candidate saw the leader's socket closed and a reconnection refused (RAFT.md §4.3). */
      readonly leaderCrashed: MemberId | "";
    }
  | {
      readonly type: "preVoteReply" | "voteReply";
      readonly from: MemberId;
      readonly to: MemberId;
      readonly term: number;
      readonly granted: boolean;
    }
  | {
      /** Asks the driver to stream its newest snapshot to `to`; the data travels beside. */
      readonly type: "snapshot";
      readonly from: MemberId;
      readonly to: MemberId;
      readonly term: number;
      readonly meta: SnapshotMeta;
    }
  | {
      readonly type: "timeoutNow";
      readonly from: MemberId;
      readonly to: MemberId;
      readonly term: number;
    }
  | {
      /** The target of a transfer cannot campaign: the leader serves on. */
      readonly type: "transferRefused";
      readonly from: MemberId;
      readonly to: MemberId;
      readonly term: number;
    }
  | {
      readonly type: "readIndex";
      readonly from: MemberId;
      readonly to: MemberId;
      readonly term: number;
      /** The follower's own number for the request; echoed in the reply. */
      readonly requestId: number;
    }
  | {
      readonly type: "readIndexReply";
      readonly from: MemberId;
      readonly to: MemberId;
      readonly term: number;
      readonly requestId: number;
      /** 0 = refused: not the leader, ask again. */
      readonly index: number;
    };

/**
 * One write to the log. Writes reach the disk in the order of `seq`, several may be on their way,
 * and the driver answers each with `durable(append)` once it is on disk. A write may carry nothing
 * but `onDurable`: then it only waits for the writes before it.
 */
export interface Append {
  /** 1, 2, 3, … within one life of the core; identifies the write in `durable`. */
  readonly seq: number;
  readonly hardState: HardState | null;
  /** Contiguous; entries at and above the first one replace what the log holds. */
  readonly entries: readonly Entry[];
  /**
   * The whole log is dropped and restarts after this snapshot, whose data the driver has already
   * made durable (it did so before it stepped the `snapshot` message). The driver also restores the
   * state machine from it and then calls `snapshotInstalled`; until then `apply` stays empty.
   */
  readonly snapshot: SnapshotMeta | null;
  /** Sent only after the write is durable: acknowledgements and votes. */
  readonly onDurable: readonly Message[];
}

export const Role = {
  follower: "follower",
  preCandidate: "preCandidate",
  candidate: "candidate",
  leader: "leader",
  learner: "learner",
} as const;
export type Role = (typeof Role)[keyof typeof Role];

export interface SoftState {
  readonly role: Role;
  readonly leader: MemberId | "";
  readonly term: number;
}

/**
 * What one turn of the core wants done. `send`, `appends` and `apply` may run side by side: every
 * message that promises something durable is in `onDurable`, and `apply` holds only entries that
 * are both committed and durable here.
 */
export interface Effects {
  readonly appends: readonly Append[];
  readonly send: readonly Message[];
  /** Committed entries, in order, each handed out once. */
  readonly apply: readonly Entry[];
  /** Linearizable reads that may be answered once `applied >= index`. */
  readonly reads: readonly { readonly requestId: number; readonly index: number }[];
  /** Reads that must be asked again (leadership changed). */
  readonly readsFailed: readonly number[];
  /** Present when it changed. */
  readonly soft: SoftState | null;
  /** Present when the configuration in force changed. */
  readonly conf: ConfState | null;
}
