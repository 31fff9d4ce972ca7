import assert from "node:assert/strict";
import test from "node:test";
import { isTerminal, type Job } from "@drover/model";
import { mockJob, mockTask, mockTaskGroup } from "@drover/model/testing";
import { type Command, CommandTag } from "@drover/state";
import {
  registerJob,
  registerNode,
  settled,
  type TestServer,
  testServer,
} from "../testing/test-server.ts";

const IDS = ["a", "b"];

/** Every plan that is proposed waits until it is let go. */
function holdPlans(made: TestServer) {
  const held: Command[] = [];
  let letGo = () => {};
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  made.log.gate = (command) => {
    if (command.tag !== CommandTag.planApply) return undefined;
    held.push(command);
    return gate;
  };
  return { held, letGo };
}

async function leading(): Promise<TestServer> {
  const made = testServer();
  registerNode(made);
  made.log.lead(1);
  await settled();
  return made;
}

function job(id: string, memoryMb: number, count = 1): Job {
  const task = mockTask({ driver: "mock_driver" });
  const resources = { ...task.resources, cpu: 10, memoryMb };
  const group = mockTaskGroup({ count, update: null, tasks: [{ ...task, resources }] });
  return mockJob({ id, taskGroups: [group] });
}

function running(made: TestServer): readonly string[] {
  const allocs = [...made.store.snapshot().allocs()];
  return allocs.filter((alloc) => !isTerminal(alloc)).map((alloc) => alloc.jobId);
}

test("§7 evaluations are decided while the plans of other jobs are on their way", async () => {
  const made = await leading();
  const { held, letGo } = holdPlans(made);
  for (const id of IDS) registerJob(made, job(id, 10));
  await settled();
  assert.equal(held.length, 2);
  assert.deepEqual(running(made), []);
  letGo();
  await settled();
  assert.deepEqual([...running(made)].sort(), IDS);
});

test("I5 what a plan in flight takes of a node is taken", async () => {
  const made = await leading();
  const { held, letGo } = holdPlans(made);
  const [node] = made.store.snapshot().nodes();
  const half = Math.floor((node?.nodeResources.memory.memoryMb ?? 0) * 0.6);
  for (const id of IDS) registerJob(made, job(id, half));
  await settled();
  assert.equal(held.length, 1, "the second one finds no room beside it");
  letGo();
  await settled();
  assert.equal(running(made).length, 1);
  const blocked = [...made.store.snapshot().evaluations()].filter((e) => e.status === "blocked");
  assert.equal(blocked.length, 1);
});

test("an entry in flight whose outcome is unknown is found out about before the next decision", async () => {
  const made = await leading();
  const { letGo } = holdPlans(made);
  registerJob(made, job("a", 10));
  await settled();
  made.log.fate = () => "apply-unanswered";
  const { barriers } = made.log;
  letGo();
  await settled();
  made.log.fate = () => "apply";
  registerJob(made, job("b", 10));
  await settled();
  assert.equal(made.log.barriers, barriers + 1);
  await made.clock.advance(5_000);
  assert.deepEqual([...running(made)].sort(), IDS);
});

test("a decision that was begun in an earlier leadership is not proposed", async () => {
  const made = await leading();
  const { held } = holdPlans(made);
  // Time passes with each look at it, so that the decision is taken in many slices.
  const { clock } = made;
  const look = clock.now.bind(clock);
  let passed = 0;
  clock.now = () => look() + passed++;
  registerJob(made, job("a", 10, 100));
  // The pass begins a microtask later, and goes on with its second slice in the next turn.
  await Promise.resolve();
  await Promise.resolve();
  await Promise.resolve();
  made.log.follow(1);
  made.log.lead(2);
  clock.now = look;
  await settled();
  assert.deepEqual(
    made.lines.filter((line) => line.includes("leadership was lost")).length,
    1,
    made.lines.join("\n"),
  );
  assert.equal(held.length, 1, "the new leadership decides it once");
});
