/** Bookkeeping of linearizable reads on both sides; the rules are in read-index.ts. */
import type { RandomSource } from "./options.ts";
import type { MemberId } from "./types.ts";

/** Who asked: ourselves (`from` = own id, the caller's id) or a follower (its own number). */
export interface ReadRequest {
  readonly from: MemberId;
  readonly requestId: number;
}

/** Requests of one turn share one token. */
export interface ReadBatch {
  readonly seq: number;
  readonly index: number;
  readonly requests: readonly ReadRequest[];
}

export class ReadQueue {
  /** Leader: asked, but without a token yet. */
  waiting: ReadRequest[] = [];
  /** Leader: waiting for a quorum, by ascending seq. */
  minted: ReadBatch[] = [];
  /** Leader: highest token minted in this term; never goes back within it. */
  seq = 0;
  /** Leader: highest token each member has echoed in this term. */
  readonly echoed = new Map<MemberId, number>();
  /** Leader: the same of those that keep leases. */
  readonly kept = new Map<MemberId, number>();
  /** Leader: another may be elected at once, because we asked for it. */
  leaseOver = false;
  /** Follower: our number on the wire → the caller's id. */
  readonly forwarded = new Map<
    number,
    { readonly requestId: number; readonly sentAtTick: number }
  >();
  done: { readonly requestId: number; readonly index: number }[] = [];
  failed: number[] = [];
  #nextWireId: number;

  /**
   * Numbers on the wire start at a random place: a reply to a request of a former life of this
   * member must not answer a new one (RAFT.md §2.5 row 7).
   */
  constructor(random: RandomSource) {
    this.#nextWireId = random.int(2 ** 20) * 2 ** 32 + random.int(2 ** 32);
  }

  /** A token that no read waits for: its echo prolongs the lease. */
  mintForLease(): void {
    this.seq += 1;
  }

  mintWireId(): number {
    this.#nextWireId += 1;
    return this.#nextWireId;
  }
}
