/** DESIGN §6: time that a server counts with, whatever becomes of the wall clock. */
import assert from "node:assert/strict";
import test from "node:test";
import { Uptime } from "./uptime.ts";

const HOUR = 3_600_000;

function machine() {
  const times = { wall: 1_000_000, awake: 500, up: 90_000 };
  const uptime = new Uptime({
    wall: () => times.wall,
    awake: () => times.awake,
    up: () => times.up,
  });
  const from = uptime.now();
  return { times, passed: () => uptime.now() - from };
}

test("§6 what the machine has slept has passed", () => {
  const { passed, times } = machine();
  times.wall += HOUR;
  times.up += HOUR;
  assert.equal(passed(), HOUR);
  times.wall += 10;
  times.awake += 10;
  times.up += 10;
  assert.equal(passed(), HOUR + 10);
});

test("§6 a wall clock that is set has nothing to do with it", () => {
  const { passed, times } = machine();
  times.wall += HOUR;
  assert.equal(passed(), 0);
  times.wall -= 2 * HOUR;
  times.awake += 10;
  times.up += 10;
  assert.equal(passed(), 10);
});

test("§6 it never steps back, however coarsely the machine counts", () => {
  const { passed, times } = machine();
  times.wall += HOUR;
  times.up += HOUR;
  assert.equal(passed(), HOUR);
  // Somebody sets the clock; the machine counts in steps of ten milliseconds.
  times.wall += HOUR;
  times.awake += 8;
  assert.equal(passed(), HOUR + 8);
  times.wall -= HOUR;
  times.awake += 1;
  assert.equal(passed(), HOUR + 9);
});
