import assert from "node:assert/strict";
import test from "node:test";
import { EvalStatus } from "@drover/model";
import { mockJob } from "@drover/model/testing";
import { registerJob, registerNode, settled, testServer } from "./testing/test-server.ts";

const SNAPSHOT_META = {};

test("nothing is decided before all that earlier leaders wrote is applied here", async () => {
  const made = testServer();
  let open = () => {};
  made.log.barrierGate = new Promise((resolve) => {
    open = resolve;
  });
  made.log.lead(3);
  await settled();
  await assert.rejects(made.server.propose({ tag: 5, evals: [] }), { retryable: true });
  open();
  await settled();
  assert.ok((await made.server.propose({ tag: 5, evals: [] })).ok);
  assert.equal(made.store.snapshot().cluster()?.clusterId, "cluster-1");
  made.server.close();
});

test("a leader elected again is fenced until it has caught up with the term between", async () => {
  const made = testServer();
  made.log.lead(3);
  await settled();
  let open = () => {};
  made.log.barrierGate = new Promise((resolve) => {
    open = resolve;
  });
  made.log.lead(5);
  await assert.rejects(made.server.propose({ tag: 5, evals: [] }), { retryable: true });
  open();
  await settled();
  assert.ok((await made.server.propose({ tag: 5, evals: [] })).ok);
  made.server.close();
});

test("a leader works off what it finds pending, and stops when it leads no more", async () => {
  const made = testServer();
  registerNode(made);
  const evalId = registerJob(made, mockJob({ id: "a" }));
  await settled();
  assert.equal(made.store.snapshot().evaluation(evalId)?.status, EvalStatus.pending);
  made.log.lead(1);
  await settled();
  assert.equal(made.store.snapshot().evaluation(evalId)?.status, EvalStatus.complete);
  const placed = made.store.snapshot().allocsByJob({ namespace: "default", id: "a" });
  assert.ok(placed.length > 0);
  made.log.follow(2);
  const other = registerJob(made, mockJob({ id: "b" }));
  await settled();
  assert.equal(made.store.snapshot().evaluation(other)?.status, EvalStatus.pending);
  made.server.close();
  await made.clock.advance(10 * 60_000);
  assert.equal(made.clock.timers, 0);
});

test("a state goes through a snapshot unchanged, whatever pieces it comes in", async () => {
  const made = testServer();
  made.log.lead(1);
  await settled();
  registerNode(made);
  for (let i = 0; i < 300; i++) registerJob(made, mockJob({ id: `job-${i}` }));
  await settled();
  const chunks: Uint8Array[] = [];
  for await (const chunk of made.fsm.snapshot().stream()) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const copy = testServer();
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += 77_777) {
      yield bytes.subarray(at, at + 77_777);
    }
  }
  let told = 0;
  copy.server.onRestored(() => {
    told += 1;
  });
  await copy.fsm.restore(SNAPSHOT_META, pieces());
  assert.equal(told, 1);
  assert.equal(copy.store.snapshot().index, made.store.snapshot().index);
  assert.deepEqual(
    [...copy.store.snapshot().dump()].map((record) => JSON.stringify(record)),
    [...made.store.snapshot().dump()].map((record) => JSON.stringify(record)),
  );
  assert.equal(copy.server.events.reader(20).next().kind, "gap");
  async function* cut(): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, bytes.length - 3);
  }
  await assert.rejects(copy.fsm.restore(SNAPSHOT_META, cut()), /middle of a record/);
  made.server.close();
  copy.server.close();
});

test("a caller that went away before it waits does not wait", async () => {
  const made = testServer();
  const gone = AbortSignal.abort();
  const waiting = made.server.changed(["jobs"], made.server.snapshot(), {
    deadline: made.clock.now() + 1_000,
    signal: gone,
  });
  assert.equal(await waiting, false);
  assert.equal(made.clock.timers, 0);
  made.server.close();
});

test("a cluster that was recovered begins a new epoch, once, under its own id", async () => {
  const made = testServer({ epoch: () => 7 });
  made.apply({ tag: 26, clusterId: "cluster-0", epoch: 1 });
  made.log.lead(1);
  await settled();
  const { clusterId, epoch, modifyIndex } = made.store.snapshot().cluster() ?? {};
  assert.deepEqual([clusterId, epoch], ["cluster-0", 7]);
  made.log.lead(2);
  await settled();
  assert.equal(made.store.snapshot().cluster()?.modifyIndex, modifyIndex);
  made.server.close();
});
