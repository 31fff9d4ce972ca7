import assert from "node:assert/strict";
import test from "node:test";
import { SECOND } from "@drover/base";
import type { Allocation, Job, Service } from "@drover/model";
import { mockAlloc, mockJob, mockTask, mockTaskGroup } from "@drover/model/testing";
import { World } from "./testing/world.ts";

function service(): Service {
  return {
    name: "api",
    taskName: "",
    portLabel: "http",
    addressMode: "auto",
    address: "",
    enableTagOverride: false,
    tags: ["v1"],
    canaryTags: ["canary"],
    checks: [
      {
        name: "alive",
        type: "http",
        command: "",
        args: [],
        path: "/health",
        protocol: "",
        portLabel: "",
        expose: false,
        addressMode: "",
        advertise: "",
        interval: SECOND,
        timeout: SECOND,
        initialStatus: "",
        notes: "",
        tlsServerName: "",
        tlsSkipVerify: false,
        header: {},
        method: "",
        body: "",
        checkRestart: null,
        grpcService: "",
        grpcUseTls: false,
        taskName: "",
        successBeforePassing: 0,
        failuresBeforeCritical: 0,
        failuresBeforeWarning: 0,
        onUpdate: "",
      },
    ],
    checkRestart: null,
    connect: null,
    meta: {},
    canaryMeta: {},
    taggedAddresses: {},
    namespace: "",
    onUpdate: "require_healthy",
    provider: "nomad",
    cluster: "default",
    identity: null,
    weights: null,
    kind: "",
  };
}

function place(world: World, over: { alloc?: Partial<Allocation>; job?: Partial<Job> } = {}) {
  const job = mockJob({
    taskGroups: [mockTaskGroup({ tasks: [mockTask({ services: [service()] })] })],
    ...over.job,
  });
  const alloc = mockAlloc({ nodeId: world.nodeId, deploymentId: "d1", ...over.alloc }, { job });
  alloc.allocatedResources.shared.ports = [
    { label: "http", value: 20_001, to: 0, hostIp: "127.0.0.1", ignoreCollision: false },
  ];
  return { alloc, job };
}

test("an allocation is started, reported healthy, and stopped in the documented order", async () => {
  const world = await World.create();
  const want = place(world);
  const { id } = want.alloc;
  world.push([want], { complete: true });
  await world.status(id, "running");
  await world.until("its service is registered", () => world.discovery.services.size === 1);
  assert.equal(world.report(id)?.healthy, null);
  world.clock.advance(10_000);
  await world.until("it is healthy", () => world.report(id)?.healthy === true);
  world.push([{ ...want, alloc: { ...want.alloc, desiredStatus: "stop", modifyIndex: 30 } }]);
  await world.status(id, "complete");
  assert.deepEqual(world.discovery.log, ["register api", "deregister api"]);
  await world.until("its task is removed", () => world.driver.tasks.size === 0);
  assert.deepEqual(world.driver.calls, [
    "prepare server",
    "start server",
    "stop server",
    "destroy server",
  ]);
  await world.close();
});
