/** Drains end to end on one server: marks, prepared replacements, deadlines (DESIGN §12.3). */
import assert from "node:assert/strict";
import test from "node:test";
import { SECOND, SeededRandom } from "@drover/base";
import {
  type Allocation,
  type AllocClientReport,
  ClientStatus,
  isTerminal,
  type Node,
} from "@drover/model";
import { mockJob, mockNode, mockTask, mockTaskGroup } from "@drover/model/testing";
import { drainNode } from "../operations/nodes.ts";
import {
  registerJob,
  registerNode,
  settled,
  type TestServer,
  testServer,
} from "../testing/test-server.ts";
import { reportEvals } from "./report-evals.ts";

const REF = { namespace: "default", id: "web" };
let tokens = 0;

interface World {
  readonly made: TestServer;
  readonly node: Node;
  readonly on: (nodeId: string) => Allocation[];
  readonly report: (alloc: Allocation, over: Partial<AllocClientReport>) => void;
  readonly drain: (deadline: number | null) => Promise<void>;
}

/** Three docker allocations, healthy, all on the node that is going to be drained. */
async function world(parallel = 1): Promise<World> {
  const made = testServer();
  made.log.lead(1);
  await settled();
  const node = registerNode(made, { name: "here" });
  const group = mockTaskGroup({
    name: "web",
    count: 3,
    tasks: [mockTask({ driver: "docker", config: { image: "app:1" } })],
    migrate: {
      maxParallel: parallel,
      healthCheck: "checks",
      minHealthyTime: 10 * SECOND,
      healthyDeadline: 300 * SECOND,
    },
  });
  registerJob(made, mockJob({ id: "web", taskGroups: [group] }));
  await settled();
  const random = new SeededRandom(11);
  let seq = 0;
  const report = (alloc: Allocation, over: Partial<AllocClientReport>) => {
    seq += 1;
    const reports = [
      {
        id: alloc.id,
        nodeId: alloc.nodeId,
        clientSeq: seq,
        clientStatus: ClientStatus.running,
        clientDescription: "",
        taskStates: {},
        healthy: null,
        healthAt: 0,
        prepared: false,
        unretryableError: "",
        networkStatus: null,
        imageDigests: {},
        ...over,
      },
    ];
    const evals = reportEvals(made.store.snapshot(), reports, random);
    made.apply({ tag: 7, reports, evals });
  };
  const live = () =>
    made.store
      .snapshot()
      .allocsByJob(REF)
      .filter((each) => !isTerminal(each));
  for (const alloc of live()) report(alloc, { healthy: true });
  await settled();
  registerNode(made, mockNode({ name: "there" }));
  await settled();
  return {
    made,
    node,
    report,
    on: (nodeId) => live().filter((alloc) => alloc.nodeId === nodeId),
    drain: async (deadline) => {
      tokens += 1;
      const spec = deadline === null ? null : { deadline, ignoreSystemJobs: false };
      const request = { id: node.id, spec, markEligible: true, meta: {}, token: `drain-${tokens}` };
      await drainNode(made.server, request);
      await settled();
    },
  };
}

function elsewhere({ made, node }: World): Allocation[] {
  return made.store
    .snapshot()
    .allocsByJob(REF)
    .filter((alloc) => alloc.nodeId !== node.id && !isTerminal(alloc));
}

/** What the client of a drained allocation's replacement says while all goes well. */
async function finish(scene: World, next: Allocation): Promise<void> {
  scene.report(next, { clientStatus: "pending", prepared: true });
  await settled();
  const old = scene.made.store.snapshot().alloc(next.previousAllocation) as Allocation;
  assert.equal(old.desiredStatus, "stop");
  scene.report(old, { clientStatus: "complete" });
  scene.report(next, { healthy: true, prepared: true });
  await settled();
}

test("a drain stops an allocation when its replacement's image is there, max_parallel at a time", async () => {
  const scene = await world(2);
  await scene.drain(0);
  assert.equal(scene.on(scene.node.id).length, 3, "nothing stops for an image that is not there");
  assert.deepEqual(
    elsewhere(scene).map((alloc) => alloc.phase),
    ["prepare", "prepare"],
  );
  const [first, second] = elsewhere(scene) as [Allocation, Allocation];
  scene.report(first, { clientStatus: "pending", prepared: true });
  await settled();
  assert.equal(scene.on(scene.node.id).length, 2);
  assert.equal(elsewhere(scene).length, 2, "the third waits until one of them is healthy");
  await finish(scene, second);
  assert.equal(elsewhere(scene).length, 3);
  const third = elsewhere(scene).find((alloc) => alloc.phase === "prepare") as Allocation;
  scene.report(scene.made.store.snapshot().alloc(first.previousAllocation) as Allocation, {
    clientStatus: "complete",
  });
  scene.report(first, { healthy: true, prepared: true });
  await finish(scene, third);
  const state = scene.made.store.snapshot();
  assert.equal(state.node(scene.node.id)?.drainStrategy, null, "the drain is over");
  scene.made.server.close();
});

test("an image that does not come keeps a drained allocation until the drain's deadline", async () => {
  const scene = await world(3);
  await scene.drain(600 * SECOND);
  const [next] = elsewhere(scene) as [Allocation];
  assert.equal(elsewhere(scene).length, 3, "all are marked: the deadline marks none anew");
  scene.report(next, { clientStatus: "failed", unretryableError: "no such image" });
  await settled();
  await scene.made.clock.advance(599_000);
  assert.equal(scene.on(scene.node.id).length, 3);
  await scene.made.clock.advance(2_000);
  assert.deepEqual(scene.on(scene.node.id), []);
  assert.equal(scene.made.store.snapshot().node(scene.node.id)?.drainStrategy, null);
  assert.ok(elsewhere(scene).every((alloc) => alloc.phase === "go"));
  assert.equal(elsewhere(scene).length, 3);
  scene.made.server.close();
});

test("a drain that is forced in the middle waits for no image any more", async () => {
  const scene = await world();
  await scene.drain(0);
  assert.equal(scene.on(scene.node.id).length, 3);
  await scene.drain(-1);
  assert.deepEqual(scene.on(scene.node.id), []);
  scene.made.server.close();
});

test("a drain that is called off leaves what waited for an image where it is", async () => {
  const scene = await world();
  await scene.drain(0);
  assert.equal(elsewhere(scene).length, 1);
  await scene.drain(null);
  assert.deepEqual(elsewhere(scene), []);
  const kept = scene.on(scene.node.id);
  assert.equal(kept.length, 3);
  assert.ok(kept.every((alloc) => alloc.desiredTransition.migrate !== true));
  scene.made.server.close();
});
