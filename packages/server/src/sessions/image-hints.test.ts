/** Hints of images to nodes (DESIGN §12.3), with a whole server. Rules: the reconciler's F1 to F5. */
import assert from "node:assert/strict";
import test from "node:test";
import type { Allocation, Job, Node } from "@drover/model";
import { mockTask } from "@drover/model/testing";
import { CommandTag } from "@drover/state";
import { type PushImageHints, Rpc } from "@drover/wire";
import { Rollout } from "../testing/rollout.ts";
import { FakePeer, settled, type TestServer, testServer } from "../testing/test-server.ts";
import { type WebShape, webJob } from "../testing/web-job.ts";

function dockerWeb(image: string, update: WebShape["update"] = {}): Job {
  const tasks = [mockTask({ driver: "docker", config: { image } })];
  return webJob({ update, group: { tasks } });
}

/** Sessions of all three nodes; version 0 serves on each, and version 1 has begun on one. */
class Updating {
  readonly rollout: Rollout;
  readonly peers = new Map<string, FakePeer>();

  private constructor(rollout: Rollout) {
    this.rollout = rollout;
  }

  static async start(): Promise<Updating> {
    const rollout = await Rollout.start({ name: "a" }, { name: "b" }, { name: "c" });
    const updating = new Updating(rollout);
    await rollout.register(dockerWeb("app:1"));
    await rollout.playOut();
    for (const node of rollout.state.nodes()) await updating.open(node);
    await updating.pass();
    for (const peer of updating.peers.values()) assert.deepEqual(hintsTo(peer), [[]]);
    await rollout.register(dockerWeb("app:2"));
    return updating;
  }

  async open(node: Node): Promise<FakePeer> {
    const peer = new FakePeer();
    const { secretId } = node;
    const seen = { clusterId: "", seenIndex: 0, seenEpoch: 1, allocIds: [] };
    await this.rollout.made.router.dispatch(Rpc.openSession, { node, secretId, ...seen }, peer);
    this.peers.set(node.id, peer);
    return peer;
  }

  /** Time for everything that is looked at soon. */
  async pass(): Promise<void> {
    await settled();
    await this.rollout.made.clock.advance(200);
  }

  /** What each node was told last, by name. */
  get told(): Record<string, readonly string[]> {
    const entries = [...this.rollout.state.nodes()].map((node) => {
      const peer = this.peers.get(node.id);
      return [node.name, (peer && hintsTo(peer).at(-1)) ?? []] as const;
    });
    return Object.fromEntries(entries.filter(([, hints]) => hints.length > 0));
  }

  /** The one of the new version that has been placed and not been judged. */
  get next(): Allocation {
    const found = this.rollout
      .live()
      .find(({ deploymentStatus, jobVersion }) => jobVersion === 1 && !deploymentStatus?.healthy);
    assert.ok(found);
    return found;
  }

  /** The client has fetched the image: the node holds it, and `alloc` may start. */
  async fetched(nodeId: string, alloc: Allocation | null = null): Promise<void> {
    const node = this.rollout.state.node(nodeId) as Node;
    const images = { ...node.images, "app:2": "sha256:2" };
    this.rollout.made.apply({
      tag: CommandTag.nodeRegister,
      node: { ...node, images },
      evals: [],
    });
    if (alloc) await this.rollout.report(alloc, { clientStatus: "pending", prepared: true });
    await this.pass();
  }
}

/** `job v1 web/server` of each message. */
function hintsTo(peer: FakePeer): string[][] {
  return peer.sent
    .filter(({ method }) => method === Rpc.pushImageHints)
    .map(({ payload }) =>
      (payload as PushImageHints).hints.map(({ job, taskGroup, tasks }) => {
        const { id, version } = job as Job;
        return `${id} v${version} ${taskGroup}/${tasks.join()}`;
      }),
    );
}

function setStatus(made: TestServer, deploymentId: string, status: string): void {
  const change = { deploymentId, status, statusDescription: "", evaluation: null, revertTo: null };
  made.apply({ tag: CommandTag.deploymentStatus, ...change });
}

const HINT = "web v1 web/server";

function nameOf(updating: Updating, nodeId: string): string {
  return updating.rollout.state.node(nodeId)?.name ?? "";
}

test("F1 F3 the next batch's node is told once the batch before has its image, and told off", async () => {
  const updating = await Updating.start();
  const { rollout } = updating;
  await updating.pass();
  assert.deepEqual(updating.told, {});
  const first = updating.next;
  await updating.fetched(first.nodeId, first);
  const [name, ...others] = Object.keys(updating.told);
  assert.ok(name !== undefined && name !== nameOf(updating, first.nodeId));
  assert.deepEqual([updating.told, others], [{ [name]: [HINT] }, []]);
  // Nothing of it can be seen anywhere else.
  assert.equal(rollout.live().filter(({ jobVersion }) => jobVersion === 1).length, 1);

  await updating.fetched(rollout.node(name).id);
  assert.deepEqual(updating.told, {});
  await rollout.report(updating.next, { healthy: true });
  const second = updating.next;
  assert.deepEqual([nameOf(updating, second.nodeId), second.phase], [name, "go"]);
  await updating.pass();
  const [last] = Object.keys(updating.told);
  const all = [nameOf(updating, first.nodeId), name, last];
  assert.deepEqual(all.sort(), ["a", "b", "c"]);
  for (const peer of updating.peers.values()) assert.ok(hintsTo(peer).length <= 3);
  rollout.close();
});

test("F2 a paused deployment takes its hints back, and gives them anew when it goes on", async () => {
  const updating = await Updating.start();
  const { made } = updating.rollout;
  await updating.fetched(updating.next.nodeId, updating.next);
  assert.equal(Object.keys(updating.told).length, 1);
  const { id: deploymentId } = updating.rollout.deployment();
  for (const [status, expected] of [
    ["paused", 0],
    ["running", 1],
    ["failed", 0],
  ] as const) {
    setStatus(made, deploymentId, status);
    await updating.pass();
    assert.equal(Object.keys(updating.told).length, expected, status);
  }
  updating.rollout.close();
});

test("a session that begins is told what holds, also when there is nothing", async () => {
  const updating = await Updating.start();
  await updating.fetched(updating.next.nodeId, updating.next);
  for (const node of [...updating.rollout.state.nodes()]) {
    const before = updating.told;
    const peer = await updating.open(node);
    await updating.pass();
    assert.equal(hintsTo(peer).length, 1);
    assert.deepEqual(updating.told, before);
  }
  for (const peer of updating.peers.values()) peer.close();
  const [name] = Object.keys(updating.told);
  await updating.rollout.report(updating.next, { healthy: true });
  for (const node of [...updating.rollout.state.nodes()]) await updating.open(node);
  await updating.pass();
  assert.equal(Object.keys(updating.told).length, 0, "the second one fetches for itself");
  assert.equal(nameOf(updating, updating.next.nodeId), name);
  updating.rollout.close();
});

test("a snapshot that replaces the state replaces the hints", async () => {
  const updating = await Updating.start();
  await updating.fetched(updating.next.nodeId, updating.next);
  const { made } = updating.rollout;
  assert.equal(Object.keys(updating.told).length, 1);
  const ahead = testServer();
  await ahead.fsm.restore({}, made.fsm.snapshot().stream());
  ahead.log.index = made.log.index;
  const { id: deploymentId } = updating.rollout.deployment();
  setStatus(ahead, deploymentId, "paused");
  await made.fsm.restore({}, ahead.fsm.snapshot().stream());
  await updating.pass();
  assert.deepEqual(updating.told, {});
  updating.rollout.close();
  ahead.server.close();
});

test("a job without images costs no timer and no message", async () => {
  const updating = await Updating.start();
  const { clock } = updating.rollout.made;
  await updating.rollout.playOut();
  await updating.pass();
  const sent = () => [...updating.peers.values()].map((peer) => hintsTo(peer).length);
  const before = { sent: sent(), timers: clock.timers };
  const other = { ...webJob({ image: "1" }), id: "other" };
  await updating.rollout.register(other);
  assert.ok(updating.rollout.state.allocsByJob({ namespace: "default", id: "other" }).length > 0);
  assert.ok(clock.timers <= before.timers + 1, "the deadline of its deployment");
  await updating.pass();
  assert.deepEqual(sent(), before.sent);
  updating.rollout.close();
});
