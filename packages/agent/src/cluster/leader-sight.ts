/**
 * Whether this member hears a leader. A voter that was replaced while it was away hears none, since
 * nobody sends to it any more; a standby that was goes on naming the last one it heard.
 */
import type { Clock } from "@drover/base";
import type { RaftNode } from "@raft/node-raft";

/** Longer than any election that succeeds. */
const LOST_MS = 3_000;

export class LeaderSight {
  readonly #raft: RaftNode<unknown>;
  readonly #clock: Clock;
  #leaderlessSince: number;

  constructor(raft: RaftNode<unknown>, clock: Clock) {
    this.#raft = raft;
    this.#clock = clock;
    this.#leaderlessSince = clock.now();
    raft.on("leadership", ({ leader }) => {
      if (leader === "") this.#leaderlessSince = clock.now();
    });
  }

  isLost(): boolean {
    const { leader, memberId, silentMs } = this.#raft.status();
    if (leader === memberId) return false;
    if (leader === "") return this.#clock.now() - this.#leaderlessSince >= LOST_MS;
    return (silentMs[leader] ?? 0) >= LOST_MS;
  }
}
