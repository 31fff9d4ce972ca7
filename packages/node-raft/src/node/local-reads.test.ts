/** Rule L7 of SPEC.md. */
import assert from "node:assert/strict";
import test from "node:test";
import type { RaftCore } from "../core/raft.ts";
import type { RaftTimers } from "./api.ts";
import { raftDefaults } from "./limits.ts";
import { LocalReads } from "./local-reads.ts";

test("[L7] an answer that comes late makes nothing older that is known already", () => {
  const timers = { now: () => 100, wall: () => 5_100 } as RaftTimers;
  const local = new LocalReads({} as RaftCore, timers, raftDefaults, false);
  assert.equal(local.ageMs(), Number.POSITIVE_INFINITY);
  local.known({ awakeMs: 80, wallMs: 5_080 });
  local.known({ awakeMs: 60, wallMs: 5_060 });
  assert.equal(local.ageMs(), 20);
  local.known({ awakeMs: 90, wallMs: 5_090 });
  assert.equal(local.ageMs(), 10);
});
