import assert from "node:assert/strict";
import test from "node:test";
import { SeededRandom } from "@drover/base";
import { EvalTrigger, type StateReader } from "@drover/model";
import { mockJob } from "@drover/model/testing";
import { evalForJob, evalsForNode, requestEval } from "./new-eval.ts";

const JOB = { ...mockJob(), jobModifyIndex: 7 };

test("only what a request caused names the job's index", () => {
  const named = Object.values(EvalTrigger).filter(
    (trigger) => evalForJob(JOB, trigger, new SeededRandom(1)).jobModifyIndex > 0,
  );
  assert.deepEqual(named.toSorted(), [
    "alloc-stop",
    "job-deregister",
    "job-register",
    "job-scaling",
  ]);
});

test("a request asked twice names the same evaluation, another request another one", () => {
  const make = (seed: number, token: string) =>
    requestEval(evalForJob(mockJob(), EvalTrigger.jobRegister, new SeededRandom(seed)), token).id;
  assert.equal(make(1, "t1"), make(2, "t1"));
  assert.notEqual(make(1, "t1"), make(1, "t2"));
  assert.match(make(1, "t1"), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("a change of a node concerns what runs everywhere, and no template of later runs", () => {
  const periodic = { specs: ["@daily"], prohibitOverlap: false } as never;
  const jobs = [
    mockJob({ id: "everywhere", type: "sysbatch" }),
    mockJob({ id: "stopped", type: "system", stop: true }),
    mockJob({ id: "nightly", type: "sysbatch", periodic }),
    mockJob({ id: "on-demand", type: "sysbatch", parameterizedJob: {} as never }),
    mockJob({ id: "elsewhere" }),
  ];
  const state = { jobs: () => jobs, holdersByNode: () => [], node: () => undefined };
  const random = new SeededRandom(1);
  const reader = state as unknown as StateReader;
  const evals = evalsForNode(reader, "n", EvalTrigger.nodeUpdate, random);
  assert.deepEqual(
    evals.map(({ jobId }) => jobId),
    ["everywhere"],
  );
});
