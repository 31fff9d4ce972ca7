/** Rescheduling (spec §3.5): rules R1 to R8 and the delays. */
import assert from "node:assert/strict";
import test from "node:test";
import { HOUR, MINUTE, SECOND } from "@drover/base";
import type { Allocation, RescheduleTracker } from "@drover/model";
import { MOCK_NOW, mockAlloc, mockDeployment, mockTaskGroup } from "@drover/model/testing";
import { endOf } from "../slices.ts";
import { nextDelay, nextReschedule, nextTracker, splitReschedulable } from "./reschedule.ts";

const [base] = [mockTaskGroup().reschedulePolicy];
assert.ok(base);
const policy = base;

function tracker(...delays: number[]): RescheduleTracker {
  const events = delays.map((delay) => ({
    rescheduleTime: MOCK_NOW - 1_000,
    prevAllocId: "",
    prevNodeId: "",
    delay,
  }));
  return { events, lastReschedule: "ok" };
}

function failed(change: Partial<Allocation> = {}): Allocation {
  return mockAlloc({ clientStatus: "failed", modifyTime: MOCK_NOW, ...change });
}

function split(
  alloc: Allocation,
  change: { now?: number; isBatch?: boolean; evalId?: string } = {},
) {
  const { evalId = "eval", isBatch = false, now = MOCK_NOW } = change;
  const deployment = mockDeployment({ id: "current" });
  const slices = splitReschedulable([alloc], {
    now,
    evalId,
    isBatch,
    deployment,
    policyOf: () => policy,
    isReplaced: ({ nextAllocation }) => nextAllocation !== "",
  });
  const { failed, untainted } = endOf(slices);
  const [one] = failed.items;
  if (one === undefined) return untainted.length > 0 ? "kept" : "dropped";
  if (one.decision.kind === "now") return "now";
  const { at } = one.decision;
  return at === null ? "kept" : `later ${at - MOCK_NOW}`;
}

test("exponential delays double up to the largest and stay there", () => {
  const doubling = { ...policy, delay: 30 * SECOND, maxDelay: 2 * MINUTE };
  assert.equal(nextDelay(null, doubling, MOCK_NOW), 30 * SECOND);
  assert.equal(nextDelay(tracker(30 * SECOND), doubling, MOCK_NOW), 60 * SECOND);
  assert.equal(nextDelay(tracker(2 * MINUTE), doubling, MOCK_NOW), 2 * MINUTE);
});

test("a delay at its largest starts over when the allocation ran for longer", () => {
  const doubling = { ...policy, delay: 30 * SECOND, maxDelay: 2 * MINUTE };
  const long = MOCK_NOW + 3 * 60_000;
  assert.equal(nextDelay(tracker(2 * MINUTE), doubling, long), 30 * SECOND);
});

test("fibonacci delays add the last two; constant ones stay", () => {
  const adding = { ...policy, delay: 10 * SECOND, delayFunction: "fibonacci", maxDelay: HOUR };
  assert.equal(nextDelay(tracker(10 * SECOND), adding, MOCK_NOW), 10 * SECOND);
  assert.equal(nextDelay(tracker(10 * SECOND, 20 * SECOND), adding, MOCK_NOW), 30 * SECOND);
  assert.equal(nextDelay(tracker(HOUR, 10 * SECOND), adding, MOCK_NOW), 10 * SECOND);
  const constant = { ...adding, delayFunction: "constant" };
  assert.equal(nextDelay(tracker(10 * SECOND), constant, MOCK_NOW), 10 * SECOND);
});

test("[R1] one that has been replaced frees its name", () => {
  assert.equal(split(failed({ nextAllocation: "next" })), "dropped");
});

test("[R2] a service allocation that is complete, lost or stopped is over", () => {
  assert.equal(split(failed({ clientStatus: "complete" })), "dropped");
  assert.equal(split(failed({ clientStatus: "lost" })), "dropped");
  assert.equal(split(failed({ desiredStatus: "stop" })), "dropped");
});

test("[R3] a batch allocation that finished its work is kept", () => {
  assert.equal(split(failed({ clientStatus: "complete" }), { isBatch: true }), "kept");
  assert.equal(split(failed(), { isBatch: true }), "later 30000");
});

test("[R4] one of the running deployment waits for the deployment's word", () => {
  const watched = failed({ deploymentId: "current" });
  assert.equal(split(watched), "kept");
  const marked = { ...watched.desiredTransition, reschedule: true };
  assert.equal(split({ ...watched, desiredTransition: marked }), "later 30000");
});

test("[R5] an error that names the version is never tried again", () => {
  assert.equal(split(failed({ unretryableError: "no such image" })), "kept");
});

test("[R6] an operator's force comes before every policy", () => {
  const { desiredTransition } = failed();
  const forced = failed({ desiredTransition: { ...desiredTransition, forceReschedule: true } });
  assert.equal(split(forced), "now");
});

test("[R7] it is replaced in the evaluation that was created for it, or when its time has come", () => {
  assert.equal(split(failed({ followupEvalId: "eval" })), "now");
  assert.equal(split(failed(), { now: MOCK_NOW + 29_500 }), "now");
});

test("[R8] one that waits already is left waiting", () => {
  assert.equal(split(failed()), "later 30000");
  assert.equal(split(failed({ followupEvalId: "other" })), "kept");
});

test("limited attempts end within their interval", () => {
  const limited = { ...policy, unlimited: false, attempts: 1, interval: HOUR };
  assert.equal(nextReschedule(failed(), limited, false).isEligible, true);
  const second = failed({ rescheduleTracker: tracker(30 * SECOND) });
  assert.equal(nextReschedule(second, limited, false).isEligible, false);
  assert.equal(nextReschedule(failed(), { ...limited, attempts: 0 }, false).isEligible, false);
});

test("the tracker of a replacement adds the attempt and keeps the last five", () => {
  const previous = failed({ rescheduleTracker: tracker(1, 2, 3, 4, 5) });
  const next = nextTracker(previous, policy, MOCK_NOW);
  assert.equal(next.events.length, 5);
  assert.equal(next.events.at(-1)?.prevAllocId, previous.id);
  assert.equal(next.lastReschedule, "ok");
});
