import assert from "node:assert/strict";
import test from "node:test";
import { DroverError } from "@drover/base";
import { EvalStatus, type Node, NodeStatus, nodeFactsHash } from "@drover/model";
import { mockJob, mockNode, mockTaskGroup } from "@drover/model/testing";
import { CommandTag } from "@drover/state";
import { collectGarbage } from "../operations/operator.ts";
import {
  registerJob,
  registerNode,
  settled,
  type TestServer,
  testServer,
} from "../testing/test-server.ts";

function allocsOf(made: TestServer, id: string) {
  return made.store.snapshot().allocsByJob({ namespace: "default", id });
}

function pause(made: TestServer, pauseEvalBroker: boolean): void {
  const config = { ...made.store.snapshot().schedulerConfig(), pauseEvalBroker };
  made.apply({ tag: CommandTag.schedulerConfig, config, cas: null });
}

test("what an earlier leader set free and did not get to is looked at again", async () => {
  const made = testServer();
  made.log.lead(1);
  await settled();
  const evalId = registerJob(made, mockJob({ id: "a" }));
  await settled();
  const blockedId = made.store.snapshot().evaluation(evalId)?.blockedEval ?? "";
  assert.equal(made.store.snapshot().evaluation(blockedId)?.status, EvalStatus.blocked);
  // The next leader learns of the node from the state alone, not from an event.
  made.log.follow(2);
  registerNode(made);
  made.log.lead(3);
  await settled();
  const ended = made.store.snapshot().evaluation(blockedId);
  assert.equal(ended?.status, EvalStatus.complete);
  assert.equal(ended?.statusDescription, "", "it waits for nothing any more");
  assert.ok(allocsOf(made, "a").length > 0);
  made.server.close();
});

test("a node that learns to run a system job gets it, though it was ready before", async () => {
  const made = testServer();
  made.log.lead(1);
  await settled();
  const lacking = registerNode(made, { drivers: {}, attributes: {} });
  registerJob(made, mockJob({ id: "a", type: "system" }));
  await settled();
  assert.deepEqual(allocsOf(made, "a"), []);
  const { attributes, drivers } = mockNode();
  const node = { ...lacking, attributes, drivers };
  const request = { node, secretId: lacking.secretId };
  await made.server.leaderCalls.call("node.register", request, "t");
  await settled();
  assert.deepEqual(
    allocsOf(made, "a").map((alloc) => alloc.nodeId),
    [lacking.id],
  );
  made.server.close();
});

test("what waits for capacity and tried in vain says so, and tells of no plan", async () => {
  const made = testServer();
  made.log.lead(1);
  await settled();
  const evalId = registerJob(made, mockJob({ id: "a", datacenters: ["dc1"] }));
  await settled();
  const waiting = () => {
    const state = made.store.snapshot();
    return state.evaluation(state.evaluation(evalId)?.blockedEval ?? "");
  };
  const before = waiting()?.snapshotIndex ?? 0;
  registerNode(made, { datacenter: "elsewhere" });
  await settled();
  assert.ok((waiting()?.snapshotIndex ?? 0) > before, "it tried");
  assert.equal(waiting()?.status, EvalStatus.blocked);
  assert.equal(waiting()?.statusDescription, "created to place remaining allocations");
  assert.deepEqual([waiting()?.planAnnotations, waiting()?.deploymentId], [null, ""]);
  made.server.close();
});

test("capacity that comes while a waiting evaluation is worked on is not missed", async () => {
  const made = testServer();
  made.log.lead(1);
  await settled();
  const evalId = registerJob(made, mockJob({ id: "a", datacenters: ["dc1"] }));
  await settled();
  const blockedId = made.store.snapshot().evaluation(evalId)?.blockedEval ?? "";
  // Its second attempt is written, in vain again, and before its worker hears so a node is there.
  let isOpen = true;
  made.server.onApplied(({ events }) => {
    const isItself = events.some(({ payload }) => (payload as { id?: string }).id === blockedId);
    if (!isItself || !isOpen) return;
    isOpen = false;
    queueMicrotask(() => registerNode(made, { datacenter: "dc1" }));
  });
  registerNode(made, { datacenter: "elsewhere" });
  await settled();
  assert.equal(isOpen, false);
  assert.equal(made.store.snapshot().evaluation(blockedId)?.status, EvalStatus.complete);
  assert.ok(allocsOf(made, "a").length > 0);
  made.server.close();
});

test("paused evaluations cost no time, and go on when the pause ends", async () => {
  const made = testServer();
  made.log.lead(1);
  await settled();
  registerNode(made);
  pause(made, true);
  const evalId = registerJob(made, mockJob({ id: "a" }));
  await settled();
  assert.equal(made.store.snapshot().evaluation(evalId)?.status, EvalStatus.pending);
  pause(made, false);
  await settled();
  assert.equal(made.store.snapshot().evaluation(evalId)?.status, EvalStatus.complete);
  made.server.close();
});

test("evaluations that came to their end are written, though the log fails meanwhile", async () => {
  const made = testServer();
  made.log.lead(1);
  await settled();
  registerNode(made);
  // While the first is worked on two more come: one of them is superseded.
  const job = mockJob({ id: "a" });
  let failures = 0;
  made.log.fate = (command) => {
    const cancels =
      command.tag === CommandTag.evalUpdate &&
      command.evals.some((each) => each.status === EvalStatus.canceled);
    if (!cancels || failures >= 2) return "apply";
    failures += 1;
    return failures === 1 ? "lose" : "apply-unanswered";
  };
  const ids = [1, 2, 3].map((n) => registerJob(made, { ...job, version: n, priority: 40 + n }));
  await settled();
  await made.clock.advance(1_000);
  assert.equal(failures, 2);
  const statuses = ids.map((id) => made.store.snapshot().evaluation(id)?.status).sort();
  assert.deepEqual(statuses, [EvalStatus.canceled, EvalStatus.complete, EvalStatus.complete]);
  made.server.close();
});

test("a plan whose answer was lost places nothing twice", async () => {
  const made = testServer();
  made.log.lead(1);
  await settled();
  registerNode(made);
  let lost = 0;
  made.log.fate = (command) => {
    if (command.tag !== CommandTag.planApply || lost > 0) return "apply";
    lost += 1;
    return "apply-unanswered";
  };
  const group = mockTaskGroup({ name: "web", count: 3 });
  const evalId = registerJob(made, mockJob({ id: "a", taskGroups: [group] }));
  await settled();
  await made.clock.advance(2_000);
  assert.equal(lost, 1);
  assert.equal(made.store.snapshot().evaluation(evalId)?.status, EvalStatus.complete);
  assert.equal(allocsOf(made, "a").length, 3);
  made.server.close();
});

test("a node that falls silent is given up, though writing it fails at first", async () => {
  const made = testServer();
  made.log.lead(1);
  await settled();
  const node = registerNode(made);
  made.log.follow(2);
  made.log.lead(3);
  await settled();
  let failures = 0;
  made.log.fate = (command) => {
    if (command.tag !== CommandTag.nodeStatus || failures >= 2) return "apply";
    failures += 1;
    return "lose";
  };
  await made.clock.advance(301_000);
  assert.equal(failures, 2);
  assert.equal(made.store.snapshot().node(node.id)?.status, NodeStatus.down);
  made.server.close();
});

test("a node that beats again after a failed attempt to give it up stays ready", async () => {
  const made = testServer();
  made.log.lead(1);
  await settled();
  const node = registerNode(made);
  made.log.follow(2);
  made.log.lead(3);
  await settled();
  made.log.fate = (command) => (command.tag === CommandTag.nodeStatus ? "lose" : "apply");
  await made.clock.advance(300_020);
  made.log.fate = () => "apply";
  await made.server.leaderCalls.call("node.heartbeat", { nodeId: node.id }, "t");
  await made.clock.advance(5_000);
  assert.equal(made.store.snapshot().node(node.id)?.status, NodeStatus.ready);
  made.server.close();
});

test("a heartbeat is told when an earlier registration has come after a later one", async () => {
  const made = testServer();
  made.log.lead(1);
  await settled();
  const { leaderCalls } = made.server;
  const early = mockNode({ attributes: { "driver.docker": "" } });
  const late = { ...early, attributes: { "driver.docker": "1" } };
  const register = (node: Node, token: string) =>
    leaderCalls.call("node.register", { node, secretId: node.secretId }, token);
  const beat = async (node: Node, token: string) => {
    const payload = { nodeId: node.id, facts: nodeFactsHash(node) };
    const reply = await leaderCalls.call<{ isStale: boolean }>("node.heartbeat", payload, token);
    return reply.isStale;
  };
  await register(late, "t1");
  assert.equal(await beat(late, "t2"), false);
  await register(early, "t3");
  assert.equal(await beat(late, "t4"), true);
  await register(late, "t5");
  assert.equal(await beat(late, "t6"), false);
  made.server.close();
});

test("a leader operation is asked again with its token until a leader is there", async () => {
  const made = testServer();
  const seen: string[] = [];
  made.server.leaderCalls.register("count", async (_payload, token) => {
    seen.push(token);
    if (seen.length === 1) throw new DroverError("x", "lost", { retryable: true });
    return "done";
  });
  const answer = made.server.leaderCalls.call<string>("count", null, "t1");
  await settled();
  assert.deepEqual(seen, []);
  made.log.lead(1);
  await settled();
  await made.clock.advance(1_000);
  assert.equal(await answer, "done");
  assert.deepEqual(seen, ["t1", "t1"]);
  made.server.close();
});

test("without a leader a leader operation fails in bounded time", async () => {
  const made = testServer();
  const answer = assert.rejects(made.server.leaderCalls.call("any", null, "t"), {
    code: "no-leader",
  });
  await made.clock.advance(20_000);
  await answer;
  made.server.close();
});

test("garbage is collected in entries of bounded size", async () => {
  const made = testServer();
  made.log.lead(1);
  await settled();
  registerNode(made);
  const evalId = registerJob(made, mockJob({ id: "a" }));
  await settled();
  const done = made.store.snapshot().evaluation(evalId);
  assert.ok(done);
  const evals = Array.from({ length: 2_500 }, (_, i) => ({
    ...done,
    id: `00000000-0000-4000-8000-${String(i).padStart(12, "0")}`,
    jobId: "gone",
    status: EvalStatus.complete,
  }));
  made.apply({ tag: CommandTag.evalUpdate, evals });
  await collectGarbage(made.server, { force: true });
  const sizes = made.log.commands.flatMap((c) =>
    c.tag === CommandTag.garbageCollect ? [c.evals.length] : [],
  );
  assert.ok(sizes.length >= 3, `${sizes}`);
  assert.ok(Math.max(...sizes) <= 1_000);
  made.server.close();
});
