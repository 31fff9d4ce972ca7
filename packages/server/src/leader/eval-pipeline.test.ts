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

/** The first plan gets no answer: it stands in the log, and is applied before the next entry. */
function answerLate({ log }: TestServer): { unanswered: number } {
  const seen = { unanswered: 0 };
  const propose = log.propose.bind(log);
  const waiting: Command[] = [];
  log.fate = (command) => {
    if (command.tag !== CommandTag.planApply || seen.unanswered > 0) return "apply";
    seen.unanswered += 1;
    waiting.push(command);
    return "lose";
  };
  log.propose = async (data) => {
    for (const command of waiting.splice(0)) log.apply(command);
    return await propose(data);
  };
  return seen;
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
  letGo();
  await settled();
  made.log.fate = () => "apply";
  registerJob(made, job("b", 10));
  await settled();
  const written = made.log.commands.filter(({ tag }) => tag === CommandTag.evalUpdate);
  assert.equal(written.length, 1, "an outcome is certain once a later entry is applied");
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

test("I5 what an entry takes whose outcome becomes unknown during a decision is taken", async () => {
  const made = await leading();
  const { letGo } = holdPlans(made);
  const memoryMb = [...made.store.snapshot().nodes()][0]?.nodeResources.memory.memoryMb ?? 0;
  registerJob(made, job("a", Math.floor(memoryMb * 0.6)));
  await settled();
  const late = answerLate(made);
  const { clock } = made;
  const look = clock.now.bind(clock);
  let passed = 0;
  clock.now = () => look() + passed++;
  registerJob(made, job("b", Math.floor(memoryMb * 0.03), 20));
  await Promise.resolve();
  await Promise.resolve();
  await Promise.resolve();
  letGo();
  await settled();
  clock.now = look;
  await made.clock.advance(5_000);
  assert.equal(late.unanswered, 1);
  const desired = [...made.store.snapshot().allocs()].filter((alloc) => !isTerminal(alloc));
  assert.ok(desired.some((alloc) => alloc.jobId === "a"));
  const used = desired.map((alloc) => alloc.allocatedResources.tasks.server?.memory.memoryMb ?? 0);
  const sum = used.reduce((a, b) => a + b, 0);
  assert.ok(sum > 0 && sum <= memoryMb, `${sum} of ${memoryMb} MB`);
});
