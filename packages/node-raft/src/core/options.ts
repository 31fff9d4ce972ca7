/** What the core is built from and what its calls answer. Plain data; see raft.ts for the calls. */
import type { ConfState, Entry, HardState, MemberId, Role, SnapshotMeta } from "./types.ts";

/** Seeded by the caller: the same seed and the same inputs give the same outputs. */
export interface RandomSource {
  /** Uniform integer in [0, bound); 1 <= bound <= 2^32. */
  int(bound: number): number;
}

/** Times in ticks, sizes in bytes of entry data. */
export interface CoreLimits {
  readonly heartbeatTicks: number;
  /** Also the vote lease, the check-quorum period and the limit of a leadership transfer. */
  readonly electionTicksMin: number;
  /** Inclusive upper end of the randomised election time-out. */
  readonly electionTicksMax: number;
  readonly inflightMessagesMax: number;
  readonly inflightBytesMax: number;
  readonly messageBytesMax: number;
  readonly uncommittedBytesMax: number;
}

/** What the disk held at start. */
export interface CoreInitial {
  /** null: a fresh directory. */
  readonly hardState: HardState | null;
  /** The newest durable snapshot; the state machine has been restored from it already. */
  readonly snapshot: SnapshotMeta | null;
  /**
   * Every entry on disk, contiguous; may start at or before `snapshot.index`. The core keeps them
   * in memory, so that it never reads the disk. Where they do not connect to the snapshot, the
   * first `Append` restarts the log after it.
   */
  readonly entries: readonly Entry[];
}

export interface CoreOptions {
  readonly id: MemberId;
  /**
   * This member keeps leases: it gives no other its vote within an election time-out of the
   * leader's last message, nor of its own start, and takes no crash hint.
   */
  readonly leases?: boolean | undefined;
  readonly limits: CoreLimits;
  readonly random: RandomSource;
  readonly initial: CoreInitial;
}

export type ProposeResult =
  | {
      readonly kind: "accepted";
      readonly term: number;
      readonly firstIndex: number;
      readonly lastIndex: number;
    }
  | {
      readonly kind: "refused";
      readonly reason: "not-leader" | "uncommitted-limit" | "transferring";
      /** Whom to ask instead; "" = not known. */
      readonly leader: MemberId | "";
    };

/** Wanted membership, as a difference. A member named in `addLearners` that votes is demoted. */
export interface MembershipChange {
  readonly addVoters?: readonly { readonly id: MemberId; readonly address: string }[] | undefined;
  readonly addLearners?: readonly { readonly id: MemberId; readonly address: string }[] | undefined;
  readonly remove?: readonly MemberId[] | undefined;
  /** Raises the feature level; alone, and only where all members understand it. */
  readonly level?: number | undefined;
  /** Refused unless the configuration in force was written at this index. */
  readonly expectConfIndex?: number | undefined;
}

export type ConfResult =
  | { readonly kind: "accepted"; readonly term: number; readonly index: number }
  | {
      readonly kind: "refused";
      readonly reason:
        | "not-leader"
        | "transferring"
        /** A change is not finished yet (its entry, or the leaving of the joint configuration). */
        | "change-pending"
        /** The leader has not committed an entry of its own term yet. */
        | "leader-not-ready"
        | "conf-index-changed"
        | "invalid";
      readonly detail: string;
    };

export type TransferResult =
  | { readonly kind: "accepted"; readonly to: MemberId }
  | {
      readonly kind: "refused";
      readonly reason: "not-leader" | "not-a-voter" | "not-caught-up" | "transferring";
    };

/** What the leader knows towards a lease; the clock is the driver's. */
export interface LeaseStatus {
  readonly term: number;
  readonly commit: number;
  /** The newest token on its way. */
  readonly seq: number;
  /** A quorum that keeps leases has echoed this one, or a later one; 0 = none yet. */
  readonly confirmed: number;
}

export interface ProgressStatus {
  readonly match: number;
  readonly next: number;
  readonly state: "probe" | "replicate" | "snapshot";
  /** Index of the snapshot on its way to the member; 0 = none. The log after it should stay. */
  readonly pendingSnapshot: number;
  readonly recentActive: boolean;
}

export interface CoreStatus {
  readonly id: MemberId;
  readonly role: Role;
  readonly term: number;
  readonly vote: MemberId | "";
  readonly leader: MemberId | "";
  readonly commit: number;
  readonly applied: number;
  /** Highest index on this member's disk. */
  readonly stable: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly conf: ConfState;
  /** Index of the entry (or snapshot) that holds `conf`. */
  readonly confIndex: number;
  readonly transferTo: MemberId | "";
  /**
   * Index of the snapshot that the state machine has yet to be restored from; 0 = none. Until then
   * there is no state that a snapshot could be taken of.
   */
  readonly installing: number;
  /** Leader only; else empty. */
  readonly progress: Readonly<Record<MemberId, ProgressStatus>>;
}
