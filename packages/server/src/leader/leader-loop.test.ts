import assert from "node:assert/strict";
import test from "node:test";
import { DroverError } from "@drover/base";
import { ManualClock, settled } from "../testing/test-server.ts";
import { actOnEach, LeaderLoop, type LoopPass } from "./leader-loop.ts";

function loop(pass: () => Promise<LoopPass>) {
  const clock = new ManualClock();
  return { clock, loop: new LeaderLoop({ name: "x", pass }, { clock, log: () => undefined }) };
}

test("a loop makes a full pass at the start and sleeps until its instant", async () => {
  let passes = 0;
  const made = loop(async () => {
    passes += 1;
    return { wakeAt: made.clock.now() + 1_000 };
  });
  made.loop.start();
  await settled();
  assert.equal(passes, 1);
  await made.clock.advance(999);
  assert.equal(passes, 1);
  await made.clock.advance(1);
  assert.equal(passes, 2);
  made.loop.stop();
  await made.clock.advance(5_000);
  assert.equal(passes, 2);
  assert.equal(made.clock.timers, 0);
});

test("many wake-ups of one turn make one pass, and one during a pass makes another", async () => {
  let passes = 0;
  let release = () => {};
  const made = loop(async () => {
    passes += 1;
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    return { wakeAt: null };
  });
  made.loop.start();
  made.loop.wake();
  await settled();
  assert.equal(passes, 1);
  made.loop.wake();
  made.loop.wake();
  assert.equal(passes, 1);
  release();
  await settled();
  assert.equal(passes, 2);
  release();
  await settled();
  assert.equal(passes, 2);
});

test("a loop that is stopped before its pass begins makes none, and starts again later", async () => {
  let passes = 0;
  const made = loop(async () => {
    passes += 1;
    return { wakeAt: null };
  });
  made.loop.start();
  made.loop.stop();
  await settled();
  assert.equal(passes, 0);
  made.loop.start();
  await settled();
  assert.equal(passes, 1);
});

test("a pass that failed is tried again, later each time", async () => {
  const at: number[] = [];
  const made = loop(async () => {
    at.push(made.clock.now());
    throw new Error("no");
  });
  made.loop.start();
  await settled();
  await made.clock.advance(400);
  const first = at[0] ?? 0;
  assert.deepEqual(
    at.map((each) => each - first),
    [0, 50, 150, 350],
  );
  made.loop.stop();
});

test("one item that is refused does not keep the others waiting", async () => {
  const done: number[] = [];
  const acting = actOnEach([1, 2, 3], async (item) => {
    if (item === 2) throw new DroverError("refused", "not this one");
    done.push(item);
  });
  await assert.rejects(acting, { code: "refused" });
  assert.deepEqual(done, [1, 3]);
});

test("when the log does not answer, the pass ends at once", async () => {
  const done: number[] = [];
  const acting = actOnEach([1, 2, 3], async (item) => {
    if (item === 2) throw new DroverError("no-leader", "gone", { retryable: true });
    done.push(item);
  });
  await assert.rejects(acting, { code: "no-leader" });
  assert.deepEqual(done, [1]);
});
