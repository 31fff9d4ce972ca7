/** Rule C8 of SPEC.md: what a leader may conclude from what it saw. */
import assert from "node:assert/strict";
import test from "node:test";
import { membershipDefaults } from "./membership-controller.ts";
import { emptyStatus } from "./status.ts";
import { type Sightings, watchMembers } from "./watch-members.ts";

const GAP_MAX = 10_000;

/** Three voters, of which `a` leads; `silent` names how long `b` and `c` were not heard. */
function look(
  before: Sightings | null,
  now: number,
  options: {
    silent?: Record<string, number>;
    match?: number;
    term?: number;
    quarantined?: string[];
  } = {},
) {
  const { silent = {}, match = 1_000, term = 3, quarantined = [] } = options;
  const one = { match, next: match + 1, state: "replicate", active: true };
  const status = {
    ...emptyStatus({ memberId: "a", clusterId: "c" }),
    conf: { ...emptyStatus({ memberId: "a", clusterId: "c" }).conf, voters: ["a", "b", "c"] },
    term,
    commit: 1_000,
    lastIndex: 1_010,
    progress: { b: one, c: one },
    silentMs: { b: 0, c: 0, ...silent },
    quarantined,
  };
  const facts = () => ({ zone: "", level: null });
  const input = { now, status, facts, spares: [], gapMsMax: GAP_MAX };
  const { sightings, view } = watchMembers(before, input, membershipDefaults);
  const [self, b, c] = view.members;
  assert.ok(self && b && c);
  return { sightings, view, self, b, c };
}

test("[C8] silence grows by what was watched of it", () => {
  const first = look(null, 100_000, { silent: { c: 90_000 } });
  assert.equal(first.c.silentMs, 0);
  const second = look(first.sightings, 105_000, { silent: { c: 95_000 } });
  assert.equal(second.c.silentMs, 5_000);
  const heard = look(second.sightings, 110_000, { silent: { c: 200 } });
  assert.equal(heard.c.silentMs, 200);
});

test("[C8] a leader that stood still for two minutes takes nobody for dead", () => {
  const first = look(null, 0);
  const second = look(first.sightings, 120_000, { silent: { b: 120_000, c: 120_000 } });
  assert.equal(second.c.silentMs, GAP_MAX);
  assert.deepEqual([second.b.live, second.c.live], [false, false]);
  // One of them has answered already, the other one's answer is still in the queue.
  const third = look(second.sightings, 120_100, { silent: { b: 5, c: 120_100 } });
  assert.deepEqual([third.b.live, third.c.live], [true, false]);
  assert.ok(third.c.silentMs < membershipDefaults.deadAfterMs, `${third.c.silentMs}`);
});

test("[C8] health that was not watched without a break begins anew", () => {
  const first = look(null, 0);
  const second = look(first.sightings, 9_000);
  assert.equal(second.b.healthyForMs, 9_000);
  const late = look(second.sightings, 9_000 + GAP_MAX + 1);
  assert.equal(late.b.healthyForMs, 0);
  const silent = look(second.sightings, 12_000, { silent: { b: 1_001 } });
  assert.equal(silent.b.healthy, false);
  const back = look(silent.sightings, 15_000);
  assert.equal(back.b.healthyForMs, 0);
});

test("[C8] what an earlier leadership saw says nothing", () => {
  const first = look(null, 0, { silent: { c: 50_000 } });
  const before = look(first.sightings, 9_000, { silent: { c: 59_000 } });
  const later = look(before.sightings, 9_100, { silent: { c: 59_100 }, term: 4 });
  assert.equal(later.c.silentMs, 0);
});

test("a member is healthy when it acknowledged something and misses little", () => {
  assert.equal(look(null, 0, { match: 750 }).b.healthy, true);
  const behind = look(null, 0, { match: 749 });
  assert.deepEqual([behind.b.live, behind.b.healthy], [true, false]);
  assert.equal(look(null, 0, { match: 0 }).b.live, false);
  assert.deepEqual(look(null, 0, { match: 0 }).self.healthy, true);
});

test("[C11] a member in quarantine is neither live nor healthy, whatever it acknowledges", () => {
  const { c } = look(null, 0, { quarantined: ["c"] });
  assert.deepEqual([c.quarantined, c.live, c.healthy], [true, false, false]);
});
