import assert from "node:assert/strict";
import test from "node:test";
import type { Clock } from "@drover/base";
import type { RaftNode } from "@raft/node-raft";
import { LeaderSight } from "./leader-sight.ts";

/** Member `me` of a cluster, as far as it is asked. */
class FakeRaft {
  now = 1_000;
  leader = "";
  silentMs: Record<string, number> = {};
  readonly sight: LeaderSight;
  #changed: (state: { readonly leader: string }) => void = () => undefined;

  constructor() {
    const raft = {
      status: () => ({ leader: this.leader, memberId: "me", silentMs: this.silentMs }),
      on: (_event: string, fn: (state: { readonly leader: string }) => void) => {
        this.#changed = fn;
      },
    };
    const clock = { now: () => this.now };
    this.sight = new LeaderSight(raft as unknown as RaftNode<unknown>, clock as Clock);
  }

  follow(leader: string): void {
    this.leader = leader;
    this.#changed({ leader });
  }
}

test("who names no leader for three seconds has lost it", () => {
  const raft = new FakeRaft();
  raft.now += 2_999;
  assert.equal(raft.sight.isLost(), false);
  raft.now += 1;
  assert.equal(raft.sight.isLost(), true);
  raft.follow("other");
  assert.equal(raft.sight.isLost(), false);
  raft.now += 60_000;
  raft.follow("");
  assert.equal(raft.sight.isLost(), false, "an election is under way");
});

test("a standby that still names the last leader has lost it when that is silent", () => {
  const raft = new FakeRaft();
  raft.follow("other");
  raft.silentMs = { other: 2_999 };
  assert.equal(raft.sight.isLost(), false);
  raft.silentMs = { other: 3_000 };
  assert.equal(raft.sight.isLost(), true);
});

test("a leader has lost nobody, however silent the others are", () => {
  const raft = new FakeRaft();
  raft.follow("me");
  raft.silentMs = { me: 60_000, other: 60_000 };
  assert.equal(raft.sight.isLost(), false);
});
