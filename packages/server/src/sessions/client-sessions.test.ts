import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import type { Allocation, Deployment, Node } from "@drover/model";
import {
  mockAlloc,
  mockDeployment,
  mockEval,
  mockId,
  mockJob,
  mockNode,
} from "@drover/model/testing";
import { CommandTag } from "@drover/state";
import { type OpenSessionReply, type OpenSessionRequest, type PushAllocs, Rpc } from "@drover/wire";
import {
  FakePeer,
  registerJob,
  registerNode,
  settled,
  type TestServer,
  testServer,
} from "../testing/test-server.ts";

const node = mockNode();

/** Closed when the test is over, however it ends. */
function opened(t: TestContext): TestServer {
  const made = testServer();
  t.after(() => made.server.close());
  return made;
}

async function leading(t: TestContext): Promise<TestServer> {
  const made = opened(t);
  made.log.lead(1);
  await settled();
  return made;
}

function open(made: TestServer, peer: FakePeer, asked: Partial<OpenSessionRequest> = {}) {
  const request: OpenSessionRequest = {
    clusterId: "",
    node,
    secretId: node.secretId,
    seenIndex: 0,
    seenEpoch: 1,
    allocIds: [],
    ...asked,
  };
  return made.router.dispatch(Rpc.openSession, request, peer) as Promise<OpenSessionReply>;
}

function pushes(peer: FakePeer): PushAllocs[] {
  return peer.sent.filter((m) => m.method === Rpc.pushAllocs).map((m) => m.payload as PushAllocs);
}

function place(
  made: TestServer,
  label: string,
  job = mockJob({ id: "a" }),
  on: Node = node,
  deployment: Deployment | null = null,
) {
  const deploymentId = deployment?.id ?? "";
  const alloc = mockAlloc({ id: mockId(label), nodeId: on.id, deploymentId }, { job });
  made.apply({
    tag: CommandTag.planApply,
    plan: {
      id: mockId(`plan ${label}`),
      evalId: mockId("eval"),
      priority: 50,
      namespace: "default",
      jobId: job.id,
      jobVersion: 0,
      allAtOnce: false,
      snapshotIndex: 1,
      stops: [],
      placements: [alloc],
      attributeUpdates: [],
      deployment,
      deploymentUpdates: [],
      annotations: null,
    },
    evals: [],
  });
  return alloc;
}

/** A job whose evaluation is over, so that nobody but the test places anything. */
function quietJob(made: TestServer, id: string) {
  const job = mockJob({ id });
  made.log.follow(1);
  const evalId = registerJob(made, job);
  const evals = [mockEval({ id: evalId, jobId: id, status: "complete" })];
  made.apply({ tag: CommandTag.evalUpdate, evals });
  made.log.lead(1);
  const stored = made.store.snapshot().job({ namespace: "default", id });
  assert.ok(stored);
  return stored;
}

/** A node has its session, and was told all there is: nothing. */
async function inSession(t: TestContext) {
  const made = await leading(t);
  const job = quietJob(made, "a");
  await settled();
  const peer = new FakePeer();
  await open(made, peer);
  await settled();
  return { job, made, peer };
}

test("a session begins with a complete push and goes on with what changed", async (t) => {
  const made = await leading(t);
  const job = quietJob(made, "a");
  await settled();
  const peer = new FakePeer();
  const reply = await open(made, peer);
  assert.equal(reply.clusterId, "cluster-1");
  assert.ok(reply.heartbeatTtlMs >= 10_000);
  await settled();
  assert.deepEqual(
    pushes(peer).map((p) => [p.complete, p.allocs.length]),
    [[true, 0]],
  );
  const alloc = place(made, "one", job);
  await settled();
  const second = pushes(peer)[1];
  assert.equal(second?.complete, false);
  assert.deepEqual(
    second?.allocs.map((each) => (each.alloc as { id: string }).id),
    [alloc.id],
  );
  assert.equal(second?.index, made.store.snapshot().index);
  const other = registerNode(made, { name: "other", id: mockId("other") });
  const elsewhere = place(made, "elsewhere", job, other);
  await settled();
  // That there is another node now may have placed more here.
  const told = pushes(peer).flatMap((push) => push.allocs);
  assert.ok(told.every((each) => (each.alloc as { id: string }).id !== elsewhere.id));
  made.server.close();
  assert.ok(peer.closed);
});

test("an operator's verdict is pushed, so that the client does not judge it as well", async (t) => {
  const { job, made, peer } = await inSession(t);
  const deployment = mockDeployment({ id: mockId("d") }, { job });
  const alloc = place(made, "one", job, node, deployment);
  await settled();
  const verdicts = () =>
    pushes(peer)
      .flatMap((push) => push.allocs.map((each) => each.alloc as Allocation))
      .filter(({ id }) => id === alloc.id)
      .map(({ deploymentStatus }) => deploymentStatus?.healthy ?? null);
  assert.deepEqual(verdicts(), [null]);
  const verdict = { healthy: [alloc.id], unhealthy: [], evaluation: null, failure: null };
  made.apply({ tag: CommandTag.deploymentAllocHealth, deploymentId: deployment.id, ...verdict });
  await settled();
  assert.deepEqual(verdicts(), [null, true]);
});

test("what the node holds and the state does not know gets its tombstone, once", async (t) => {
  const made = await leading(t);
  const peer = new FakePeer();
  await open(made, peer, { allocIds: [mockId("unknown")] });
  await settled();
  assert.deepEqual(
    pushes(peer).map((p) => p.removed),
    [[mockId("unknown")]],
  );
});

test("a purged job's allocations are removed by a tombstone", async (t) => {
  const { job, made, peer } = await inSession(t);
  const alloc = place(made, "one", job);
  await settled();
  made.apply({
    tag: CommandTag.jobDeregister,
    namespace: "default",
    jobId: "a",
    purge: true,
    noShutdownDelay: false,
    evaluation: null,
  });
  await settled();
  assert.deepEqual(pushes(peer).at(-1)?.removed, [alloc.id]);
});

test("a server that fell behind and got a snapshot tells its sessions what it holds", async (t) => {
  const { job, made, peer } = await inSession(t);
  const ahead = opened(t);
  await ahead.fsm.restore({}, made.fsm.snapshot().stream());
  ahead.log.index = made.log.index;
  const alloc = place(ahead, "one", job);
  await made.fsm.restore({}, ahead.fsm.snapshot().stream());
  await settled();
  assert.deepEqual(
    pushes(peer)
      .at(-1)
      ?.allocs.map((each) => (each.alloc as { id: string }).id),
    [alloc.id],
  );
});

test("of two sessions of one node the one that was asked for last stays", async (t) => {
  const made = await leading(t);
  const first = new FakePeer();
  await open(made, first);
  const second = new FakePeer();
  await open(made, second);
  assert.ok(first.closed);
  assert.ok(!second.closed);
});

test("a request that waited for the leader does not take over a newer session", async (t) => {
  const made = opened(t);
  const slow = new FakePeer();
  const waiting = assert.rejects(open(made, slow), { code: "replaced", retryable: true });
  await settled();
  const newer = new FakePeer();
  const taken = open(made, newer);
  made.log.lead(1);
  await settled();
  await made.clock.advance(1_000);
  await Promise.all([waiting, taken]);
  assert.ok(!newer.closed);
  assert.deepEqual(
    pushes(newer).map((p) => p.complete),
    [true],
  );
});

test("a client that went away while the leader was asked gets no session", async (t) => {
  const made = opened(t);
  const peer = new FakePeer();
  const waiting = assert.rejects(open(made, peer), { code: "replaced" });
  peer.close();
  made.log.lead(1);
  await settled();
  await made.clock.advance(1_000);
  await waiting;
  assert.deepEqual(pushes(peer), []);
});

test("a server that is behind what the client has seen does not serve it", async (t) => {
  const made = await leading(t);
  const seenIndex = made.log.index + 100;
  await assert.rejects(open(made, new FakePeer(), { seenIndex }), {
    code: "behind",
    retryable: true,
  });
  await assert.rejects(open(made, new FakePeer(), { seenEpoch: 2 }), { code: "behind" });
});

test("an index of an older epoch says nothing about the new history", async (t) => {
  const made = await leading(t);
  made.apply({ tag: CommandTag.clusterInit, clusterId: "cluster-1", epoch: 2 });
  const peer = new FakePeer();
  const reply = await open(made, peer, { seenIndex: 1_000_000, seenEpoch: 1 });
  assert.equal(reply.epoch, 2);
});

test("a client of another cluster is refused by name", async (t) => {
  const made = await leading(t);
  await assert.rejects(open(made, new FakePeer(), { clusterId: "other" }), {
    code: "other-cluster",
    message: /cluster-1.*other/,
  });
});

test("a node whose id was copied without its secret is refused", async (t) => {
  const made = await leading(t);
  await open(made, new FakePeer());
  await assert.rejects(open(made, new FakePeer(), { secretId: "guessed" }), {
    code: "node-secret",
  });
});
