import assert from "node:assert/strict";
import test from "node:test";
import { mockJob, mockResources, mockTask, mockTaskGroup } from "../testing/factories.ts";
import type { Job } from "./job.ts";
import { isSpecChanged } from "./spec-changed.ts";
import type { Task } from "./task.ts";
import type { TaskGroup } from "./task-group.ts";
import { updateKind } from "./update-kind.ts";

const withTask = (task: Partial<Task>): Job =>
  mockJob({ taskGroups: [mockTaskGroup({ tasks: [mockTask(task)] })] });
const withGroup = (group: Partial<TaskGroup>): Job =>
  mockJob({ taskGroups: [mockTaskGroup(group)] });
const port = { label: "http", value: 0, to: 0, hostNetwork: "default", ignoreCollision: false };
const network = (mode: string, to: number, device = ""): TaskGroup["networks"] => [
  {
    mode,
    device,
    cidr: "",
    ip: "",
    hostname: "",
    mBits: 0,
    dns: null,
    reservedPorts: [],
    dynamicPorts: [{ ...port, to }],
    cni: null,
  },
];
const restart = mockTask().restartPolicy;
const identity = {
  name: "default",
  audience: ["x"],
  changeMode: "",
  changeSignal: "",
  env: true,
  file: false,
  filepath: "",
  serviceName: "",
  ttl: 0,
  extraClaims: [],
};

const CASES: [string, Job, Job, "inPlace" | "destructive"][] = [
  ["nothing", mockJob(), mockJob(), "inPlace"],
  ["count", mockJob(), withGroup({ count: 9 }), "inPlace"],
  ["config", mockJob(), withTask({ config: { run_for: "2h" } }), "destructive"],
  ["driver", mockJob(), withTask({ driver: "docker" }), "destructive"],
  ["env", mockJob(), withTask({ env: { A: "1" } }), "destructive"],
  ["cpu", mockJob(), withTask({ resources: mockResources({ cpu: 200 }) }), "destructive"],
  ["iops", mockJob(), withTask({ resources: mockResources({ iops: 5 }) }), "inPlace"],
  ["kill timeout", mockJob(), withTask({ killTimeout: 1 }), "inPlace"],
  ["kill signal", mockJob(), withTask({ killSignal: "SIGINT" }), "inPlace"],
  ["identity", mockJob(), withTask({ identity }), "destructive"],
  ["a task's name", mockJob(), withTask({ name: "other" }), "destructive"],
  ["job meta", mockJob(), mockJob({ meta: { a: "1" } }), "destructive"],
  [
    "job meta hidden by the task's",
    { ...withTask({ meta: { a: "t" } }), meta: { a: "1" } },
    { ...withTask({ meta: { a: "t" } }), meta: { a: "2" } },
    "inPlace",
  ],
  [
    "restart templates",
    mockJob(),
    withGroup({ restartPolicy: { ...restart, renderTemplates: true } }),
    "destructive",
  ],
  [
    "restart attempts",
    mockJob(),
    withGroup({ restartPolicy: { ...restart, attempts: 9 } }),
    "inPlace",
  ],
  [
    "log size",
    mockJob(),
    withTask({ logConfig: { ...mockTask().logConfig, maxFiles: 3 } }),
    "inPlace",
  ],
  [
    "logging off",
    mockJob(),
    withTask({ logConfig: { ...mockTask().logConfig, disabled: true } }),
    "destructive",
  ],
  [
    "a port's target",
    withGroup({ networks: network("host", 1) }),
    withGroup({ networks: network("host", 2) }),
    "destructive",
  ],
  [
    "a network's device",
    withGroup({ networks: network("host", 1) }),
    withGroup({ networks: network("host", 1, "eth1") }),
    "inPlace",
  ],
  ["another network", mockJob(), withGroup({ networks: network("host", 1) }), "destructive"],
  [
    "an empty consul block",
    mockJob(),
    withGroup({ consul: { namespace: "", cluster: "default", partition: "" } }),
    "inPlace",
  ],
  [
    "a consul namespace",
    mockJob(),
    withGroup({ consul: { namespace: "n", cluster: "default", partition: "" } }),
    "destructive",
  ],
  ["a missing group", mockJob(), withGroup({ name: "other" }), "destructive"],
];

for (const [what, before, after, expected] of CASES) {
  test(`changing ${what} is ${expected}`, () => {
    assert.equal(updateKind(before, after, "web"), expected);
    assert.equal(updateKind(after, before, "web"), expected);
  });
}

test("what the cluster writes is no change of the specification, stopping and tags are", () => {
  const job = mockJob();
  const written = { ...job, status: "running", stable: true, version: 4, modifyIndex: 99 };
  assert.equal(isSpecChanged(job, written), false);
  assert.equal(isSpecChanged(job, { ...job, imageDigests: { a: "sha256:1" } }), false);
  assert.equal(isSpecChanged(job, { ...job, stop: true }), true);
  assert.equal(isSpecChanged(job, withGroup({ count: 9 })), true);
  const tag = { name: "v", description: "", taggedTime: 0 };
  assert.equal(isSpecChanged({ ...job, versionTag: tag }, job), true);
});
