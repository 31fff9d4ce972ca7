import assert from "node:assert/strict";
import test from "node:test";
import { mockEval, mockJob, mockNode } from "@drover/model/testing";
import { CommandTag } from "../commands/command.ts";
import { jobKey } from "../store/keys.ts";
import { jobRegister } from "../testing/commands.ts";
import { restoredFrom, StateHarness } from "../testing/harness.ts";
import { WatchHub } from "./watch-hub.ts";
import type { WatchKey } from "./watch-key.ts";

const register = (id: string) => jobRegister(mockJob({ id }));
const key = (id: string) => jobKey({ namespace: "default", id });

/** The index the wait ended with, or undefined when it has not after all microtasks. */
async function outcome(promise: Promise<number>): Promise<number | undefined> {
  let ended: number | undefined;
  void promise.then((index) => {
    ended = index;
  });
  for (let i = 0; i < 5; i++) await Promise.resolve();
  return ended;
}

const CASES: readonly { name: string; keys: readonly WatchKey[]; wakes: boolean }[] = [
  { name: "its table", keys: [{ table: "jobs" }], wakes: true },
  { name: "its row", keys: [{ table: "jobs", key: key("b") }], wakes: true },
  { name: "a prefix of its key", keys: [{ table: "jobs", prefix: "default" }], wakes: true },
  { name: "an index it feeds", keys: [{ table: "evalsByJob", key: key("b") }], wakes: true },
  { name: "another row", keys: [{ table: "jobs", key: key("a") }], wakes: false },
  { name: "another table", keys: [{ table: "nodes" }], wakes: false },
  { name: "another index key", keys: [{ table: "evalsByJob", key: key("a") }], wakes: false },
  {
    name: "any of several",
    keys: [{ table: "nodes" }, { table: "jobs", key: key("b") }],
    wakes: true,
  },
];

for (const { name, keys, wakes } of CASES) {
  test(`a change ${wakes ? "wakes" : "does not wake"} who waits for ${name}`, async () => {
    const harness = new StateHarness();
    harness.accept(register("a"));
    const { promise } = harness.snapshot.changed(keys);
    assert.equal(await outcome(promise), undefined);
    const { index } = harness.accept(register("b"));
    assert.equal(await outcome(promise), wakes ? index : undefined);
  });

  test(`a change before the wait began ${wakes ? "ends" : "does not end"} a wait for ${name}`, async () => {
    const harness = new StateHarness();
    harness.accept(register("a"));
    const { snapshot } = harness;
    const { index } = harness.accept(register("b"));
    assert.equal(await outcome(snapshot.changed(keys).promise), wakes ? index : undefined);
  });
}

test("deleting a row wakes who watches it", async () => {
  const harness = new StateHarness();
  const node = mockNode();
  harness.accept({ tag: CommandTag.nodeRegister, node, evals: [] });
  const { promise } = harness.snapshot.changed([{ table: "nodes", key: node.id }]);
  const { index } = harness.accept({
    tag: CommandTag.nodeDeregister,
    nodeIds: [node.id],
    evals: [],
  });
  assert.equal(await outcome(promise), index);
  assert.equal(harness.snapshot.tableIndex("nodes"), index);
});

test("a canceled wait is forgotten", async () => {
  const harness = new StateHarness();
  const wait = harness.snapshot.changed([{ table: "jobs" }]);
  wait.cancel();
  harness.accept(register("a"));
  assert.equal(await outcome(wait.promise), undefined);
});

test("a snapshot too old to remember what changed since ends its wait at once", async () => {
  const harness = new StateHarness();
  harness.accept(register("a"));
  const { snapshot } = harness;
  const evals = [mockEval({ id: "e" })];
  for (let i = 0; i < 3000; i++) harness.accept({ tag: CommandTag.evalUpdate, evals });
  assert.ok((await outcome(snapshot.changed([{ table: "nodes" }]).promise)) !== undefined);
});

test("what is remembered is bounded by keys, and whoever may have missed one is woken", async () => {
  const hub = new WatchHub(0);
  const touched = Array.from(
    { length: 5_000 },
    (_, i) => ({ table: "jobs", key: `${i}` }) as const,
  );
  for (let index = 1; index <= 10; index++) hub.notify(index, touched);
  const nodes = [{ table: "nodes" }] as const;
  assert.equal(await outcome(hub.changed(nodes, 10).promise), undefined);
  assert.equal(await outcome(hub.changed(nodes, 9).promise), undefined);
  assert.notEqual(await outcome(hub.changed(nodes, 1).promise), undefined);
  const all = Array.from({ length: 20_000 }, (_, i) => ({ table: "jobs", key: `${i}` }) as const);
  hub.notify(11, all);
  assert.equal(await outcome(hub.changed([{ table: "jobs", key: "7" }], 10).promise), 11);
});

test("a restored state wakes everyone", async () => {
  const harness = new StateHarness();
  harness.accept(register("a"));
  const { promise } = harness.snapshot.changed([{ table: "nodes" }]);
  harness.state.restore(restoredFrom(harness.snapshot.dump()));
  assert.ok((await outcome(promise)) !== undefined);
});

test("§8.10 every changed row of a published table is an event of the command's type", () => {
  const harness = new StateHarness();
  const events = harness.events(register("a"));
  assert.deepEqual(
    events.map(({ topic, type, key, filterKeys }) => ({ topic, type, key, filterKeys })),
    [
      { topic: "Job", type: "JobRegistered", key: "a", filterKeys: [] },
      {
        topic: "Evaluation",
        type: "JobRegistered",
        key: harness.snapshot.evalsByJob({ namespace: "default", id: "a" })[0]?.id,
        filterKeys: ["a"],
      },
    ],
  );
});

test("§8.10 a purged job is announced with what it was", () => {
  const harness = new StateHarness();
  harness.accept(register("a"));
  const events = harness.events({
    tag: CommandTag.jobDeregister,
    namespace: "default",
    jobId: "a",
    purge: true,
    noShutdownDelay: false,
    evaluation: null,
  });
  const job = events.find((event) => event.topic === "Job");
  assert.deepEqual([job?.type, job?.key], ["JobDeregistered", "a"]);
});
