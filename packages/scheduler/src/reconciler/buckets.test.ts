/** The classification table of spec §3.4: rules C1 to C18. */
import assert from "node:assert/strict";
import test from "node:test";
import { MINUTE } from "@drover/base";
import type { Allocation, Node, TaskGroup } from "@drover/model";
import { MOCK_NOW, mockAlloc, mockNode, mockTaskGroup } from "@drover/model/testing";
import { type AllocClass, classify } from "./buckets.ts";

const UNKNOWN_ONE_MINUTE_AGO = [{ field: 0, value: "unknown", time: MOCK_NOW - 60_000 }];

interface Row {
  readonly rule: string;
  readonly is: AllocClass;
  readonly alloc?: Partial<Allocation>;
  /** "missing" = the node has been collected. */
  readonly node?: Partial<Node> | "missing";
  readonly disconnect?: Partial<NonNullable<TaskGroup["disconnect"]>>;
}

const migrating = { ...mockAlloc().desiredTransition, migrate: true };
const unknown = { clientStatus: "unknown", allocStates: UNKNOWN_ONE_MINUTE_AGO };
const patient = { lostAfter: 5 * MINUTE };
const draining = {
  drainStrategy: { deadline: 0, ignoreSystemJobs: false, forceDeadline: 0, startedAt: 0 },
};

const rows: readonly Row[] = [
  {
    rule: "[C1] failed after its node was away",
    is: "reconnecting",
    alloc: { ...unknown, clientStatus: "failed" },
    disconnect: patient,
  },
  {
    rule: "[C2] stopped for good by a drain",
    is: "untainted",
    alloc: {
      desiredStatus: "stop",
      clientStatus: "complete",
      desiredTransition: { ...migrating, migrateDisablePlacement: true },
    },
  },
  {
    rule: "[C3] stopped",
    is: "ignore",
    alloc: { desiredStatus: "stop", clientStatus: "complete" },
  },
  {
    rule: "[C4] an ended canary that must migrate",
    is: "migrate",
    alloc: {
      clientStatus: "failed",
      desiredTransition: migrating,
      deploymentStatus: { healthy: null, timestamp: 0, canary: true, modifyIndex: 0 },
    },
  },
  {
    rule: "[C5] ended",
    is: "untainted",
    alloc: { clientStatus: "failed" },
    node: { status: "down" },
  },
  {
    rule: "[C6] unknown for longer than it may be",
    is: "expiring",
    alloc: unknown,
    disconnect: { lostAfter: MINUTE },
  },
  {
    rule: "[C7] failed and stopped after its node was away",
    is: "ignore",
    alloc: { ...unknown, clientStatus: "failed", desiredStatus: "stop" },
    disconnect: patient,
  },
  {
    rule: "[C8] unknown on a disconnected node",
    is: "untainted",
    alloc: unknown,
    node: { status: "disconnected" },
    disconnect: patient,
  },
  {
    rule: "[C9] never started on a disconnected node",
    is: "lost",
    node: { status: "disconnected" },
    disconnect: patient,
  },
  {
    rule: "[C10] running on a disconnected node, without patience",
    is: "lost",
    alloc: { clientStatus: "running" },
    node: { status: "disconnected" },
  },
  {
    rule: "[C11] running on a disconnected node",
    is: "disconnecting",
    alloc: { clientStatus: "running" },
    node: { status: "disconnected" },
    disconnect: patient,
  },
  {
    rule: "[C12] told to migrate",
    is: "migrate",
    alloc: { clientStatus: "running", desiredTransition: migrating },
    node: draining,
  },
  {
    rule: "[C13] back from being unknown",
    is: "reconnecting",
    alloc: { ...unknown, clientStatus: "running" },
    disconnect: patient,
  },
  {
    rule: "[C14] unknown on a node that is back and has not told of it",
    is: "untainted",
    alloc: unknown,
    disconnect: patient,
  },
  { rule: "[C14] running on a ready node", is: "untainted", alloc: { clientStatus: "running" } },
  {
    rule: "[C14] running on a draining node",
    is: "untainted",
    alloc: { clientStatus: "running" },
    node: draining,
  },
  {
    rule: "[C15] its node is gone",
    is: "lost",
    alloc: { clientStatus: "running" },
    node: "missing",
  },
  {
    rule: "[C16] unknown on a node that went down, not to be replaced",
    is: "untainted",
    alloc: unknown,
    node: { status: "down" },
    disconnect: { ...patient, replace: false },
  },
  {
    rule: "[C17] running on a node that went down, not to be replaced",
    is: "disconnecting",
    alloc: { clientStatus: "running" },
    node: { status: "down" },
    disconnect: { ...patient, replace: false },
  },
  {
    rule: "[C18] running on a node that went down",
    is: "lost",
    alloc: { clientStatus: "running" },
    node: { status: "down" },
  },
  { rule: "[C18] never started on a node that went down", is: "lost", node: { status: "down" } },
];

for (const row of rows) {
  test(`${row.rule} is ${row.is}`, () => {
    const disconnect = row.disconnect
      ? {
          lostAfter: 0,
          stopOnClientAfter: null,
          replace: true,
          reconcile: "best_score",
          ...row.disconnect,
        }
      : null;
    const node = row.node === "missing" ? undefined : mockNode(row.node ?? {});
    const result = classify(mockAlloc(row.alloc ?? {}), {
      now: MOCK_NOW,
      groupOf: () => mockTaskGroup({ disconnect }),
      node: () => node,
    });
    assert.equal(result, row.is);
  });
}
