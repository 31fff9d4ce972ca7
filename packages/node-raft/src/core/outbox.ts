/**
 * What the current turn wants done, and the writes that are on their way to the disk. Storage is
 * asynchronous: several writes may be out; what they promise is released in order by `durable`.
 */
import { assert } from "./assert.ts";
import type { RaftLog } from "./log.ts";
import type { Append, HardState, Message, SnapshotMeta } from "./types.ts";

/** A write that the disk has not confirmed yet. */
interface Outstanding {
  readonly seq: number;
  readonly issuedAtTick: number;
  /** Highest index it attests; lowered when a later turn replaces those entries. */
  ackIndex: number;
  /** The term in which it makes our vote for ourselves durable; 0 = none. */
  readonly selfVoteTerm: number;
}

export interface Durable {
  readonly stable: number;
  readonly selfVoteTerm: number;
}

export class Outbox {
  #send: Message[] = [];
  #onDurable: Message[] = [];
  #selfVoteTerm = 0;
  #snapshot: SnapshotMeta | null = null;
  #issuedHard: HardState;
  #outstanding: Outstanding[] = [];
  #seq = 0;

  constructor(onDisk: HardState) {
    this.#issuedHard = onDisk;
  }

  /** For messages that promise nothing which a crash here could take back. */
  sendNow(message: Message): void {
    this.#send.push(message);
  }

  /** Votes, acknowledgements and vote requests: only once all that precedes them is on disk. */
  sendWhenDurable(message: Message): void {
    this.#onDurable.push(message);
  }

  voteForSelfWhenDurable(term: number): void {
    this.#selfVoteTerm = term;
  }

  installSnapshot(meta: SnapshotMeta): void {
    this.#snapshot = meta;
    this.voidFrom(0);
  }

  /** Entries from `index` on were replaced: writes on their way do not attest the new ones. */
  voidFrom(index: number): void {
    for (const write of this.#outstanding) {
      write.ackIndex = Math.min(write.ackIndex, Math.max(0, index - 1));
    }
  }

  /** Ticks since the oldest unconfirmed write was issued. */
  oldestAge(ticks: number): number {
    const oldest = this.#outstanding[0];
    return oldest === undefined ? 0 : ticks - oldest.issuedAtTick;
  }

  durable(seq: number): Durable {
    assert(seq <= this.#seq, () => `write ${seq} was never issued`);
    let stable = 0;
    let selfVoteTerm = 0;
    while (this.#outstanding[0] !== undefined && this.#outstanding[0].seq <= seq) {
      const write = this.#outstanding.shift() as Outstanding;
      stable = Math.max(stable, write.ackIndex);
      selfVoteTerm = Math.max(selfVoteTerm, write.selfVoteTerm);
    }
    return { stable, selfVoteTerm };
  }

  takeSend(): readonly Message[] {
    const send = this.#send;
    this.#send = [];
    return send;
  }

  /** The write of this turn, if there is anything to write or to wait for. */
  takeAppend(log: RaftLog, hard: HardState, ticks: number): Append | null {
    const snapshot = this.#snapshot;
    const onDurable = this.#onDurable;
    const entries = log.issued < log.lastIndex ? log.slice(log.issued + 1, log.lastIndex) : [];
    const voteChanged = hard.term !== this.#issuedHard.term || hard.vote !== this.#issuedHard.vote;
    const mustWrite = voteChanged || entries.length > 0 || snapshot !== null;
    if (!mustWrite && this.#outstanding.length === 0) {
      this.#send.push(...onDurable);
      this.#onDurable = [];
      return null;
    }
    if (!mustWrite && onDurable.length === 0) return null;
    // The commit index alone is not worth an fsync: it rides on writes that happen anyway.
    const hardChanged = voteChanged || hard.commit !== this.#issuedHard.commit;
    const writeHard = mustWrite && hardChanged;
    if (writeHard) this.#issuedHard = hard;
    this.#seq += 1;
    this.#outstanding.push({
      seq: this.#seq,
      issuedAtTick: ticks,
      ackIndex: log.lastIndex,
      selfVoteTerm: this.#selfVoteTerm,
    });
    this.#snapshot = null;
    this.#onDurable = [];
    this.#selfVoteTerm = 0;
    log.issued = log.lastIndex;
    return Object.freeze({
      seq: this.#seq,
      hardState: writeHard ? Object.freeze(hard) : null,
      entries: Object.freeze(entries),
      snapshot,
      onDurable: Object.freeze(onDurable),
    });
  }
}
