/**
 * The leader's lease (thesis §6.4.1): while a quorum keeps from electing another, it may read
 * without asking. Counted from when a token was sent, as nobody can have received it before, and
 * shorter than any of those that echoed it waits before it votes again.
 */
import type { LeaseStatus } from "../core/options.ts";
import type { RaftLimits } from "./api.ts";
import { elapsedMs, type Moment } from "./elapsed.ts";

/** What the members' clocks may differ by is the rest. */
const SHARE = 0.8;
/**
 * Ticks that may pass within no time: one that was due when the leader's message came, and one
 * that follows it at once where it was late by more than a tick.
 */
const EARLY_TICKS = 2;
/** A process that stood still for so long counts its lease anew (RAFT.md §4.5). */
const PAUSE_MS_MAX = 100;

export function leaseMs({ electionTicksMin, tickMs }: RaftLimits): number {
  return SHARE * (electionTicksMin - EARLY_TICKS) * tickMs;
}

export class Lease {
  readonly #ms: number;
  readonly #tickMs: number;
  #term = 0;
  /** The newest token that is on its way, whether it counts or not. */
  #newest = 0;
  /** Tokens on their way, oldest first; of those echoed by a quorum, the newest only. */
  #sent: { readonly seq: number; readonly at: Moment }[] = [];
  #tickedAt: Moment | null = null;

  constructor(limits: RaftLimits) {
    this.#ms = leaseMs(limits);
    this.#tickMs = limits.tickMs;
  }

  /** Before the messages of a turn go out. */
  sending({ term, seq, confirmed }: LeaseStatus, now: Moment): void {
    if (term !== this.#term) {
      // It may have gone out long ago, when there was no lease to look at yet.
      this.#sent = [];
      this.#newest = seq;
    }
    this.#term = term;
    this.#forgetBefore(confirmed);
    if (seq <= this.#newest) return;
    this.#newest = seq;
    this.#sent.push({ seq, at: now });
  }

  ticked(now: Moment): void {
    this.#forgetAfterPause(now);
    this.#tickedAt = now;
  }

  holds({ term, confirmed }: LeaseStatus, now: Moment): boolean {
    this.#forgetAfterPause(now);
    if (term !== this.#term) return false;
    this.#forgetBefore(confirmed);
    const [newest] = this.#sent;
    if (newest === undefined || newest.seq > confirmed) return false;
    return elapsedMs(newest.at, now) < this.#ms;
  }

  /** All but the newest that is confirmed, and those after it. */
  #forgetBefore(confirmed: number): void {
    while (this.#sent[1] !== undefined && this.#sent[1].seq <= confirmed) this.#sent.shift();
  }

  #forgetAfterPause(now: Moment): void {
    if (this.#tickedAt === null) return;
    if (elapsedMs(this.#tickedAt, now) > this.#tickMs + PAUSE_MS_MAX) this.#sent = [];
  }
}
