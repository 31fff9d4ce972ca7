/** Drains end to end on one server: marks, prepared replacements, deadlines (DESIGN §12.3). */
import assert from "node:assert/strict";
import test from "node:test";
import { SECOND } from "@drover/base";
import { type Allocation, ClientStatus } from "@drover/model";
import { mockJob, mockTask, mockTaskGroup } from "@drover/model/testing";
import { drainNode } from "../operations/nodes.ts";
import { Rollout } from "../testing/rollout.ts";
import { registerNode, settled } from "../testing/test-server.ts";

let tokens = 0;

/** Three docker allocations, healthy, all on the node that is going to be drained. */
async function start(parallel = 1): Promise<Rollout> {
  const rollout = await Rollout.start({ name: "here" });
  const group = mockTaskGroup({
    name: "web",
    count: 3,
    tasks: [mockTask({ driver: "docker", config: { image: "app:1" } })],
    migrate: {
      maxParallel: parallel,
      maxParallelPercent: 0,
      healthCheck: "checks",
      minHealthyTime: 10 * SECOND,
      healthyDeadline: 300 * SECOND,
    },
  });
  await rollout.register(mockJob({ id: "web", taskGroups: [group] }));
  await rollout.playOut();
  registerNode(rollout.made, { name: "there" });
  await settled();
  return rollout;
}

/** `null` ends the drain. */
async function drain(rollout: Rollout, deadline: number | null): Promise<void> {
  tokens += 1;
  const spec = deadline === null ? null : { deadline, ignoreSystemJobs: false };
  const { id } = rollout.node("here");
  const request = { id, spec, markEligible: true, meta: {}, token: `drain-${tokens}` };
  await drainNode(rollout.made.server, request);
  await settled();
}

function here(rollout: Rollout): Allocation[] {
  const { id } = rollout.node("here");
  return rollout.live().filter((alloc) => alloc.nodeId === id);
}

function there(rollout: Rollout): Allocation[] {
  const { id } = rollout.node("there");
  return rollout.live().filter((alloc) => alloc.nodeId === id);
}

function predecessor(rollout: Rollout, next: Allocation): Allocation {
  return rollout.state.alloc(next.previousAllocation) as Allocation;
}

const PREPARED = { clientStatus: ClientStatus.pending, prepared: true };

test("a drain stops an allocation when its replacement's image is there, max_parallel at a time", async () => {
  const rollout = await start(2);
  await drain(rollout, 0);
  assert.equal(here(rollout).length, 3, "nothing stops for an image that is not there");
  const [first, second] = there(rollout) as [Allocation, Allocation];
  assert.deepEqual([first.phase, second.phase], ["prepare", "prepare"]);
  await rollout.report(first, PREPARED);
  assert.equal(here(rollout).length, 2);
  assert.equal(predecessor(rollout, first).desiredStatus, "stop");
  await rollout.report(second, PREPARED);
  assert.equal(here(rollout).length, 1);
  assert.equal(there(rollout).length, 2, "the third waits until one of them is healthy");
  await rollout.report(second, { healthy: true });
  assert.equal(there(rollout).length, 3);
  await rollout.playOut();
  assert.deepEqual([here(rollout).length, there(rollout).length], [0, 3]);
  assert.equal(rollout.node("here").drainStrategy, null, "the drain is over");
  rollout.close();
});

test("an image that does not come keeps a drained allocation until the drain's deadline", async () => {
  const rollout = await start(3);
  await drain(rollout, 600 * SECOND);
  const [next] = there(rollout) as [Allocation];
  assert.equal(there(rollout).length, 3, "all are marked: the deadline marks none anew");
  const unretryableError = "no such image";
  await rollout.report(next, { clientStatus: ClientStatus.failed, unretryableError });
  await rollout.made.clock.advance(599_000);
  assert.equal(here(rollout).length, 3);
  await rollout.made.clock.advance(2_000);
  assert.deepEqual(here(rollout), []);
  assert.equal(rollout.node("here").drainStrategy, null);
  assert.ok(there(rollout).every((alloc) => alloc.phase === "go"));
  assert.equal(there(rollout).length, 3);
  rollout.close();
});

test("a drain that is forced in the middle waits for no image any more", async () => {
  const rollout = await start();
  await drain(rollout, 0);
  assert.equal(here(rollout).length, 3);
  await drain(rollout, -1);
  assert.deepEqual(here(rollout), []);
  rollout.close();
});

test("a drain that is called off leaves what waited for an image where it is", async () => {
  const rollout = await start();
  await drain(rollout, 0);
  assert.equal(there(rollout).length, 1);
  await drain(rollout, null);
  assert.deepEqual(there(rollout), []);
  const kept = here(rollout);
  assert.equal(kept.length, 3);
  assert.ok(kept.every((alloc) => alloc.desiredTransition.migrate !== true));
  rollout.close();
});
