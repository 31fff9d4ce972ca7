/** Every status of a job, and every command that may move it (SPEC.md, J). */
import assert from "node:assert/strict";
import test from "node:test";
import {
  type Allocation,
  type ClientStatus,
  type Evaluation,
  type Job,
  JobType,
  type Plan,
} from "@drover/model";
import { mockAlloc, mockDeployment, mockEval, mockJob, mockReport } from "@drover/model/testing";
import { emptyPlan, jobRegister } from "../testing/commands.ts";
import { type CommandBody, StateHarness } from "../testing/harness.ts";
import { CommandTag } from "./command.ts";

const REF = { namespace: "default", id: "example" };
type Status = "pending" | "running" | "dead" | "gone";

interface Scene {
  readonly harness: StateHarness;
  readonly job: Job;
  readonly alloc: Allocation;
}

const OPEN = mockEval({ id: "open", jobId: REF.id, status: "pending" });

/** A plan that was applied before changes nothing. */
let plans = 0;
function planned(job: Job, plan: Partial<Plan>): CommandBody {
  plans += 1;
  const fresh = emptyPlan(job, { id: `plan-${plans}`, ...plan });
  return { tag: CommandTag.planApply, plan: fresh, evals: [] };
}
const evals = (...list: readonly Partial<Evaluation>[]): CommandBody => ({
  tag: CommandTag.evalUpdate,
  evals: list.map((each) => ({ ...OPEN, ...each })),
});
const told = (alloc: Allocation, clientSeq: number, clientStatus: ClientStatus): CommandBody => ({
  tag: CommandTag.allocClientUpdate,
  reports: [mockReport(alloc, { clientSeq, clientStatus })],
  evals: [],
});
const deregistered = (purge: boolean): CommandBody => ({
  tag: CommandTag.jobDeregister,
  namespace: REF.namespace,
  jobId: REF.id,
  purge,
  noShutdownDelay: false,
  evaluation: null,
});

/** pending: an evaluation is open; running: an allocation lives; dead: all has ended. */
function sceneOf(status: Exclude<Status, "gone">, type: Job["type"]): Scene {
  const harness = new StateHarness();
  harness.accept(jobRegister(mockJob({ type }), { evaluation: OPEN }));
  const job = harness.snapshot.job(REF) as Job;
  const alloc = mockAlloc({ id: "a", deploymentId: "" }, { job });
  if (status === "pending") return { harness, job, alloc };
  harness.accept(planned(job, { placements: [alloc] }));
  harness.accept(evals({ status: "complete" }));
  if (status === "dead") harness.accept(told(alloc, 1, "complete"));
  return { harness, job, alloc };
}

const EVENTS = {
  "an evaluation is opened": () => [evals({ id: "next" })],
  "an evaluation waits for capacity": () => [evals({ id: "next", status: "blocked" })],
  "the open evaluation ends": () => [evals({ status: "complete" })],
  "an allocation is placed": ({ job }) => [
    planned(job, { placements: [mockAlloc({ id: "b", deploymentId: "" }, { job })] }),
  ],
  "the allocation ends well": ({ alloc }) => [told(alloc, 9, "complete")],
  "the allocation fails": ({ alloc }) => [told(alloc, 9, "failed")],
  "a deployment begins": ({ job }) => [
    planned(job, { deployment: mockDeployment({ id: "d" }, { job }) }),
  ],
  "it is stopped": () => [deregistered(false)],
  "it is stopped, and all its allocations end": ({ alloc }) => [
    deregistered(false),
    evals({ status: "complete" }),
    told(alloc, 9, "complete"),
  ],
  "it is purged": () => [deregistered(true)],
  "it is submitted again": ({ job }) => [
    jobRegister({ ...job, meta: { v: "2" } }, { evaluation: { ...OPEN, id: "again" } }),
  ],
} satisfies Record<string, (scene: Scene) => readonly CommandBody[]>;
type Event = keyof typeof EVENTS;
type Row = Readonly<Record<Event, Status>>;

/** Complete for what runs once, or as long as there is something of it. */
const TABLE: Readonly<Record<Exclude<Status, "gone">, Row>> = {
  pending: {
    "an evaluation is opened": "pending",
    "an evaluation waits for capacity": "pending",
    "the open evaluation ends": "dead",
    "an allocation is placed": "running",
    "the allocation ends well": "pending",
    "the allocation fails": "pending",
    "a deployment begins": "running",
    "it is stopped": "pending",
    "it is stopped, and all its allocations end": "dead",
    "it is purged": "gone",
    "it is submitted again": "pending",
  },
  running: {
    "an evaluation is opened": "running",
    "an evaluation waits for capacity": "running",
    "the open evaluation ends": "running",
    "an allocation is placed": "running",
    "the allocation ends well": "dead",
    "the allocation fails": "dead",
    "a deployment begins": "running",
    "it is stopped": "running",
    "it is stopped, and all its allocations end": "dead",
    "it is purged": "gone",
    "it is submitted again": "running",
  },
  dead: {
    "an evaluation is opened": "pending",
    "an evaluation waits for capacity": "pending",
    "the open evaluation ends": "dead",
    "an allocation is placed": "running",
    "the allocation ends well": "dead",
    "the allocation fails": "dead",
    "a deployment begins": "running",
    "it is stopped": "dead",
    "it is stopped, and all its allocations end": "dead",
    "it is purged": "gone",
    "it is submitted again": "pending",
  },
};

function after(scene: Scene, event: Event): string {
  for (const body of EVENTS[event](scene)) scene.harness.apply(body);
  return scene.harness.snapshot.job(REF)?.status ?? "gone";
}

for (const type of [JobType.service, JobType.batch, JobType.sysbatch]) {
  for (const [status, expected] of Object.entries(TABLE)) {
    test(`[J1 J2] a ${type} job that is ${status} becomes what the table says`, () => {
      for (const [event, want] of Object.entries(expected)) {
        const scene = sceneOf(status as keyof typeof TABLE, type);
        assert.equal(scene.harness.snapshot.job(REF)?.status, status, "the scene is set");
        assert.equal(after(scene, event as Event), want, `${status} + ${event}`);
      }
    });
  }
}

test("[J3] a system job and a template of later runs are running until they are stopped", () => {
  const kinds: readonly Partial<Job>[] = [
    { type: "system" },
    { type: "batch", periodic: {} as never },
    { type: "sysbatch", parameterizedJob: {} as never },
  ];
  for (const over of kinds) {
    for (const event of Object.keys(EVENTS) as Event[]) {
      const harness = new StateHarness();
      harness.accept(jobRegister(mockJob(over), { evaluation: null }));
      const job = harness.snapshot.job(REF) as Job;
      const alloc = mockAlloc({ id: "a", deploymentId: "" }, { job });
      const want = event === "it is purged" ? "gone" : /stopped/.test(event) ? "dead" : "running";
      assert.equal(after({ harness, job, alloc }, event), want, `${over.type}: ${event}`);
    }
  }
});
