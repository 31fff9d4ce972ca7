/**
 * Encoding allocation stubs, as `GET /v1/allocations` does (DESIGN §4: 10,000 in under 100 ms).
 * Run: `node packages/model/bench/encode.bench.ts`.
 */
import { hrtime } from "node:process";

import type { Allocation, TaskEvent } from "../src/cluster/allocation.ts";
import { MOCK_NOW, mockAlloc, mockJob } from "../src/testing/factories.ts";
import { allocStubToWire } from "../src/wire/alloc.ts";

const COUNT = 10_000;
const ROUNDS = 7;
const job = mockJob();

function event(type: string, details: Record<string, string> = {}): TaskEvent {
  return { type, time: MOCK_NOW, message: "", displayMessage: "", details };
}

function running(index: number, events: TaskEvent[]): Allocation {
  const state = {
    state: "running",
    failed: false,
    restarts: 0,
    lastRestart: 0,
    startedAt: MOCK_NOW,
    finishedAt: 0,
    events,
  };
  const deploymentStatus = { healthy: true, timestamp: MOCK_NOW, canary: false, modifyIndex: 4 };
  return mockAlloc({ taskStates: { server: state }, deploymentStatus }, { job, index });
}

function measure(name: string, allocs: readonly Allocation[]): void {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = hrtime.bigint();
    for (const alloc of allocs) allocStubToWire(alloc, job);
    times.push(Number(hrtime.bigint() - start) / 1e6);
  }
  const median = times.sort((a, b) => a - b)[ROUNDS >> 1] ?? 0;
  console.log(`${name}: ${median.toFixed(1)} ms`);
}

const normal = [event("Received"), event("Task Setup", { message: "x" }), event("Started")];
const worst = Array.from({ length: 10 }, () => event("Terminated", { exit_code: "1" }));
const many = (events: TaskEvent[]): Allocation[] =>
  Array.from({ length: COUNT }, (_, index) => running(index, events));
measure(`encode ${COUNT} allocation stubs, 3 events each (normal)`, many(normal));
measure(`encode ${COUNT} allocation stubs, 10 events each (worst)`, many(worst));
