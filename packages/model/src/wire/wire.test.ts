/** Reads every recorded answer into the stored form and writes it again: it must come out equal. */
import assert from "node:assert/strict";
import test from "node:test";
import {
  type Allocation,
  type AllocDeploymentStatus,
  allocationSchema,
} from "../cluster/allocation.ts";
import { deploymentSchema } from "../cluster/deployment.ts";
import { evaluationSchema } from "../cluster/evaluation.ts";
import { nodeSchema } from "../cluster/node.ts";
import { serviceRegistrationSchema } from "../cluster/service-registration.ts";
import { jobSchema } from "../job/job.ts";
import { jobSummarySchema } from "../job/summary.ts";
import { decodeStored } from "../schema/decode.ts";
import type { Json, JsonObject } from "../schema/field.ts";
import { mockAlloc } from "../testing/factories.ts";
import {
  comparable,
  exchanges,
  firstDifference,
  readJson,
  referenceDir,
  visitObjects,
} from "../testing/recordings.test.ts";
import { allocStubToWire, allocToWire } from "./alloc.ts";
import {
  deploymentToWire,
  evalStubToWire,
  evalToWire,
  nodeStubToWire,
  nodeToWire,
  serviceRegistrationToWire,
} from "./cluster.ts";
import { jobStubToWire, jobSummaryToWire, jobToWire } from "./job.ts";

type Again = (json: JsonObject) => JsonObject;
const DYNAMIC = ["$same_as", "$elided", "$dropped"];

function has(...keys: string[]): (object: JsonObject) => boolean {
  return (object) => keys.every((key) => key in object);
}

const alloc = (json: JsonObject): Allocation => decodeStored(allocationSchema, json);

const KINDS: Record<string, { is: (object: JsonObject) => boolean; again: Again }> = {
  job: {
    is: has("TaskGroups", "VaultNamespace", "SubmitTime", "Stable"),
    again: (json) => jobToWire(decodeStored(jobSchema, json)),
  },
  jobStub: {
    is: has("JobSummary", "ParameterizedJob", "ParentID"),
    again: (json) => {
      const job = decodeStored(jobSchema, { ...json, Periodic: null, ParameterizedJob: null });
      const stub = jobStubToWire(
        job,
        json.JobSummary ? decodeStored(jobSummarySchema, json.JobSummary) : null,
      );
      return {
        ...stub,
        Periodic: json.Periodic ?? null,
        ParameterizedJob: json.ParameterizedJob ?? null,
      };
    },
  },
  summary: {
    is: has("Children", "Summary", "JobID"),
    again: (json) => jobSummaryToWire(decodeStored(jobSummarySchema, json)),
  },
  alloc: {
    is: has("AllocModifyIndex", "EvalID"),
    again: (json) => {
      const wire = allocToWire(alloc(json), json.Job ? decodeStored(jobSchema, json.Job) : null);
      // Identities are not signed yet, so there is no key to name.
      return { ...wire, SigningKeyID: json.SigningKeyID ?? null };
    },
  },
  allocStub: {
    is: has("JobVersion", "TaskGroup", "JobType"),
    again: (json) =>
      allocStubToWire(
        { ...alloc(json), jobVersion: json.JobVersion as number },
        { type: json.JobType as string },
        { resources: "AllocatedResources" in json, taskStates: json.TaskStates !== null },
      ),
  },
  evaluation: {
    is: (object) =>
      has("TriggeredBy", "Priority")(object) && !has("WaitUntil", "BlockedEval")(object),
    again: (json) => ({
      ...evalToWire(decodeStored(evaluationSchema, json)),
      ...(json.RelatedEvals ? { RelatedEvals: json.RelatedEvals } : {}),
    }),
  },
  evalStub: {
    is: has("TriggeredBy", "WaitUntil", "BlockedEval"),
    again: (json) => evalStubToWire(decodeStored(evaluationSchema, json)),
  },
  deployment: {
    is: has("JobSpecModifyIndex", "TaskGroups"),
    again: (json) => deploymentToWire(decodeStored(deploymentSchema, json)),
  },
  node: {
    is: has("CgroupParent", "NodeResources"),
    again: (json) => ({
      ...nodeToWire(decodeStored(nodeSchema, json)),
      IdentitySigningKeyID: json.IdentitySigningKeyID ?? null,
      SecretID: json.SecretID ?? null,
    }),
  },
  nodeStub: {
    is: has("Address", "SchedulingEligibility", "Drivers"),
    again: (json) => {
      const node = decodeStored(nodeSchema, json);
      const stub = nodeStubToWire(
        {
          ...node,
          httpAddr: `${json.Address}:4646`,
          attributes: { ...node.attributes, "nomad.version": json.Version as string },
        },
        { os: "Attributes" in json, resources: "NodeResources" in json },
      );
      return { ...stub, Drain: json.Drain ?? null };
    },
  },
  service: {
    is: has("ServiceName", "AllocID", "NodeID"),
    again: (json) => serviceRegistrationToWire(decodeStored(serviceRegistrationSchema, json)),
  },
};

function isWhole(json: Json): boolean {
  let whole = true;
  visitObjects(json, (object) => {
    if (DYNAMIC.some((key) => key in object)) whole = false;
  });
  return whole;
}

test("every recorded resource comes out as it went in", () => {
  const counts: Record<string, { seen: number; equal: number }> = {};
  const misses: string[] = [];
  for (const exchange of exchanges()) {
    if (exchange.path === "/v1/jobs/parse") continue;
    visitObjects(exchange.body, (object) => {
      for (const [name, kind] of Object.entries(KINDS)) {
        if (!kind.is(object) || !isWhole(object)) continue;
        counts[name] ??= { seen: 0, equal: 0 };
        counts[name].seen++;
        const again = kind.again(object);
        const found = firstDifference(comparable(again), comparable(object));
        if (found === null) counts[name].equal++;
        else misses.push(`${exchange.path} ${name} ${found}`);
      }
    });
  }
  for (const [name, { seen, equal }] of Object.entries(counts)) {
    console.log(`wire ${name}: ${equal} of ${seen} equal`);
  }
  assert.deepEqual(misses.slice(0, 40), []);
});

test("the API shows the last verdict until there is a new one", () => {
  const shown = (status: AllocDeploymentStatus) => {
    const alloc = mockAlloc({ deploymentStatus: status });
    const stub = allocStubToWire(alloc, null).DeploymentStatus as JsonObject;
    const whole = allocToWire(alloc, null).DeploymentStatus as JsonObject;
    assert.equal(whole.Healthy, stub.Healthy);
    return stub.Healthy;
  };
  const status = { healthy: null, timestamp: 0, canary: false, modifyIndex: 3 };
  assert.equal(shown(status), null, "never judged");
  assert.equal(shown({ ...status, timestamp: 5 }), true, "carried into another deployment");
  assert.equal(shown({ ...status, timestamp: 5, healthy: false }), false, "judged anew");
});

test("the recorded whole node comes out as it went in", () => {
  const dir = referenceDir("cli", "6-api");
  if (dir === null) return;
  const node = readJson(dir, "node-full.json") as JsonObject;
  const again = KINDS.node?.again(node) ?? {};
  assert.equal(firstDifference(comparable(again), comparable(node)), null);
});
