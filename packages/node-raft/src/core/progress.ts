/**
 * What the leader knows of one member's log.
 *
 *   probe ──acknowledged──► replicate ──refused, unreachable──► probe
 *     │ ▲                        │
 *     │ └── sent or failed ── snapshot ◄── what it needs is compacted (from probe)
 *
 * probe: the match is not known; one message per heartbeat. replicate: messages are pipelined up to
 * the in-flight window. snapshot: nothing is sent until the snapshot has ended.
 */
import { assert } from "./assert.ts";
import type { Inflights } from "./inflights.ts";

export class Progress {
  match = 0;
  next: number;
  state: "probe" | "replicate" | "snapshot" = "probe";
  /** probe: one message is out; wait for its reply or the next heartbeat's. */
  probeSent = false;
  pendingSnapshot = 0;
  recentActive: boolean;
  /** Highest commit index that an append told it. */
  sentCommit = 0;
  /** A heartbeat reply found unacknowledged messages: ask once whether they arrived. */
  mustCheck = false;
  readonly inflights: Inflights;

  constructor(next: number, recentActive: boolean, inflights: Inflights) {
    assert(next >= 1, () => `next ${next}`);
    this.next = next;
    this.recentActive = recentActive;
    this.inflights = inflights;
  }

  isPaused(): boolean {
    if (this.state === "probe") return this.probeSent;
    return this.state === "snapshot" || this.inflights.isFull();
  }

  becomeProbe(): void {
    // After a snapshot the member may hold everything up to it.
    const from =
      this.state === "snapshot" ? Math.max(this.match, this.pendingSnapshot) : this.match;
    this.#change("probe");
    this.next = from + 1;
  }

  becomeReplicate(): void {
    this.#change("replicate");
    this.next = this.match + 1;
  }

  becomeSnapshot(index: number): void {
    this.#change("snapshot");
    this.pendingSnapshot = index;
    this.next = index + 1;
  }

  /** Durable there up to `index`. True when that was news. */
  acknowledge(index: number): boolean {
    const news = index > this.match;
    if (news) this.match = index;
    this.next = Math.max(this.next, index + 1);
    return news;
  }

  /** The member has no matching entry at `rejected`; `hint` is where it may have. False: stale. */
  refuse(rejected: number, hint: number): boolean {
    if (this.state === "replicate") {
      if (rejected <= this.match) return false;
      this.becomeProbe();
      return true;
    }
    if (this.state === "snapshot" || this.next - 1 !== rejected) return false;
    this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1);
    this.probeSent = false;
    return true;
  }

  #change(state: Progress["state"]): void {
    this.state = state;
    this.probeSent = false;
    this.pendingSnapshot = 0;
    this.sentCommit = 0;
    this.mustCheck = false;
    this.inflights.reset();
  }
}
