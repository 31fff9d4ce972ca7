/** Every verb of an operator in every status of a deployment, through the real operations. */
import assert from "node:assert/strict";
import test from "node:test";
import { errorText } from "@drover/base";
import { DeploymentStatus, type Job, type JobInput } from "@drover/model";
import { mockAlloc, mockDeployment, mockDeploymentState, mockJob } from "@drover/model/testing";
import {
  registerJob,
  registerNode,
  settled,
  type TestServer,
  testServer,
} from "../testing/test-server.ts";
import {
  failDeployment,
  pauseDeployment,
  promoteDeployment,
  setAllocHealth,
  unblockDeployment,
} from "./deployments.ts";
import { deregisterJob, revertJob, scaleJob, registerJob as submitJob } from "./jobs.ts";

const REF = { namespace: "default", id: "a" };
const ID = "d1";

/** Version 0 is stable; version 1 is in deployment d1: a healthy canary and one undecided. */
async function deploying(
  status: DeploymentStatus,
  { canaryHealthy = true, autoRevert = false } = {},
): Promise<TestServer> {
  const made = testServer();
  made.log.lead(1);
  await settled();
  const node = registerNode(made);
  // What is told in one turn comes before any of the leader's loops has looked.
  registerJob(made, mockJob({ id: "a", meta: { v: "0" } }));
  made.apply({ tag: 3, namespace: "default", jobId: "a", version: 0, stable: true });
  registerJob(made, mockJob({ id: "a", meta: { v: "1" }, version: 1 }));
  const job = made.store.snapshot().job(REF) as Job;
  const verdict = (healthy: boolean | null, canary: boolean) => ({
    deploymentStatus: { healthy, timestamp: 0, canary, modifyIndex: 0 },
  });
  const base = { deploymentId: ID, nodeId: node.id, clientStatus: "running" } as const;
  const placements = [
    mockAlloc(
      { ...base, id: "canary", ...verdict(canaryHealthy || null, true) },
      { job, index: 0 },
    ),
    mockAlloc({ ...base, id: "plain", ...verdict(null, false) }, { job, index: 1 }),
  ];
  const web = mockDeploymentState({ autoRevert, desiredCanaries: 1, desiredTotal: 2 });
  const deployment = { ...mockDeployment({ id: ID }, { job }), taskGroups: { web } };
  made.apply({ tag: 6, plan: planOf(job, { deployment, placements }), evals: [] });
  made.apply({
    tag: 14,
    deploymentId: ID,
    status,
    statusDescription: status,
    evaluation: null,
    revertTo: null,
  });
  return made;
}

function planOf(job: Job, over: Record<string, unknown>) {
  return {
    id: "plan",
    evalId: "eval",
    priority: job.priority,
    namespace: job.namespace,
    jobId: job.id,
    jobVersion: job.version,
    allAtOnce: false,
    snapshotIndex: 0,
    stops: [],
    placements: [],
    attributeUpdates: [],
    deployment: null,
    deploymentUpdates: [],
    annotations: null,
    ...over,
  } as never;
}

const asked = { id: ID, token: "t" };
const scaling = { message: "", error: false, meta: null, token: "t" };
const submitting = {
  submission: null,
  enforceIndex: null,
  preserveCounts: false,
  preserveResources: false,
  evalPriority: 0,
  token: "t",
};

const VERBS = {
  promote: ({ server }) => promoteDeployment(server, { ...asked, groups: null }),
  fail: ({ server }) => failDeployment(server, asked),
  pause: ({ server }) => pauseDeployment(server, { ...asked, pause: true }),
  resume: ({ server }) => pauseDeployment(server, { ...asked, pause: false }),
  unblock: ({ server }) => unblockDeployment(server, asked),
  setHealthy: ({ server }) =>
    setAllocHealth(server, { ...asked, healthy: ["plain"], unhealthy: [] }),
  setUnhealthy: ({ server }) =>
    setAllocHealth(server, { ...asked, healthy: [], unhealthy: ["plain"] }),
  revert: ({ server }) =>
    revertJob(server, { ...REF, version: 0, enforcePriorVersion: null, token: "t" }),
  stop: ({ server }) =>
    deregisterJob(server, {
      ...REF,
      purge: false,
      noShutdownDelay: false,
      evalPriority: 0,
      token: "t",
    }),
  scale: ({ server, store }) => {
    const group = store.snapshot().job(REF)?.taskGroups[0]?.name ?? "";
    return scaleJob(server, { ...REF, ...scaling, group, count: 3 });
  },
  newVersion: ({ server, store }) => {
    const stored = store.snapshot().job(REF) as Job;
    const input = { ...stored, meta: { v: "2" } } as unknown as JobInput;
    return submitJob(server, { ...submitting, input });
  },
} satisfies Record<string, (made: TestServer) => Promise<unknown>>;

type Verb = keyof typeof VERBS;
/** The status that follows, or in brackets the reason of a refusal that changes nothing. */
type Row = Readonly<Record<Verb, string>>;

/** Whoever changes the job acts on the job: the deployment ends in the evaluation that follows. */
function active(status: DeploymentStatus): Row {
  return {
    promote: status,
    fail: "failed",
    pause: "paused",
    resume: "running",
    unblock: status,
    setHealthy: status,
    setUnhealthy: "failed",
    revert: "cancelled",
    stop: "cancelled",
    scale: "(job scaling blocked due to active deployment)",
    newVersion: "cancelled",
  };
}

function ended(status: DeploymentStatus): Row {
  return {
    promote: "(can't promote terminal deployment)",
    fail: "(can't fail terminal deployment)",
    pause: "(can't pause terminal deployment)",
    resume: "(can't resume terminal deployment)",
    unblock: "(can't unblock terminal deployment)",
    setHealthy: "(can't set health of allocations for a terminal deployment)",
    setUnhealthy: "(can't set health of allocations for a terminal deployment)",
    revert: status,
    stop: status,
    scale: status,
    newVersion: status,
  };
}

const TABLE: Readonly<Record<DeploymentStatus, Row>> = {
  running: active("running"),
  paused: active("paused"),
  pending: active("pending"),
  initializing: active("initializing"),
  blocked: active("blocked"),
  unblocking: active("unblocking"),
  successful: ended("successful"),
  failed: ended("failed"),
  cancelled: ended("cancelled"),
};

async function outcome(verb: Verb, status: DeploymentStatus): Promise<string> {
  const made = await deploying(status);
  try {
    await VERBS[verb](made);
    await settled();
    return made.store.snapshot().deployment(ID)?.status ?? "gone";
  } catch (error) {
    assert.equal(made.store.snapshot().deployment(ID)?.status, status, "refused and changed");
    return `(${errorText(error)})`;
  } finally {
    made.server.close();
  }
}

for (const status of Object.values(DeploymentStatus)) {
  test(`[O1 O2 O3 O4] every verb asked of a ${status} deployment`, async () => {
    const seen: Record<string, string> = {};
    for (const verb of Object.keys(VERBS) as Verb[]) seen[verb] = await outcome(verb, status);
    assert.deepEqual(seen, TABLE[status]);
  });
}

test("[O5] a promotion without enough healthy canaries says what is missing", async () => {
  const made = await deploying("running", { canaryHealthy: false });
  await assert.rejects(
    promoteDeployment(made.server, { ...asked, groups: null }),
    /Task group "web" has 0\/1 healthy allocations/,
  );
  assert.equal(made.store.snapshot().deployment(ID)?.taskGroups.web?.promoted, false);
  await promoteDeployment(made.server, { ...asked, groups: ["other"], token: "t2" });
  assert.equal(made.store.snapshot().deployment(ID)?.taskGroups.web?.promoted, false);
  made.server.close();
});

test("[O6] a verdict is refused without allocations and for another deployment's", async () => {
  const { server } = await deploying("running");
  const judge = (healthy: readonly string[]) =>
    setAllocHealth(server, { ...asked, healthy, unhealthy: [] });
  await assert.rejects(judge([]), /must specify at least one healthy\/unhealthy allocation ID/);
  await assert.rejects(judge(["plain", "other"]), /alloc "other" is not part of deployment "d1"/);
  assert.equal(server.snapshot().alloc("plain")?.deploymentStatus?.healthy, null);
  server.close();
});

test("[O7] a deployment that is not named or not there is refused by every verb", async () => {
  const { server } = await deploying("running");
  for (const [id, reason] of [
    ["", /missing deployment ID/],
    ["d2", /deployment not found/],
  ] as const) {
    const named = { id, token: "t" };
    await assert.rejects(failDeployment(server, named), reason);
    await assert.rejects(pauseDeployment(server, { ...named, pause: true }), reason);
    await assert.rejects(promoteDeployment(server, { ...named, groups: null }), reason);
    await assert.rejects(unblockDeployment(server, named), reason);
    const health = { ...named, healthy: ["plain"], unhealthy: [] };
    await assert.rejects(setAllocHealth(server, health), reason);
  }
  server.close();
});

test("[O8] a revert to this version, or to one that is not stored, is refused", async () => {
  const { server } = await deploying("running");
  const to = (version: number) =>
    revertJob(server, { ...REF, version, enforcePriorVersion: null, token: `to ${version}` });
  await assert.rejects(to(1), /can't revert to current version/);
  await assert.rejects(to(7), /at version 7 not found/);
  server.close();
});

test("[O9] who ends a deployment as failed takes it back at once where its group asks", async () => {
  const failed = await deploying("running", { autoRevert: true });
  const { revertedJobVersion } = await failDeployment(failed.server, asked);
  assert.equal(revertedJobVersion, 0);
  const judged = await deploying("running", { autoRevert: true });
  await setAllocHealth(judged.server, { ...asked, healthy: [], unhealthy: ["plain"] });
  for (const { server } of [failed, judged]) {
    const job = server.snapshot().job(REF);
    assert.deepEqual([job?.version, job?.meta], [2, { v: "0" }]);
    const { status, statusDescription } = server.snapshot().deployment(ID) ?? {};
    assert.equal(status, "failed");
    assert.match(statusDescription ?? "", /rolling back to job version 0/);
    server.close();
  }
});
