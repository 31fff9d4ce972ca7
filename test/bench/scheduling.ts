/**
 * The scheduler alone, in this process and over the real tables: placements per second on a
 * thousand nodes, and what one evaluation of a large job in the middle of its update takes, in all
 * and at a stretch.
 */
import { SeededRandom } from "@drover/base";
import type { Allocation, Job, Plan } from "@drover/model";
import { mockEval, mockJob, mockReport, mockTask, mockTaskGroup } from "@drover/model/testing";
import { type SchedulerResult, scheduleInSlices } from "@drover/scheduler";
import { harnessNode } from "@drover/scheduler/testing";
import { COMMAND_VERSION, type Command, CommandTag, StateMachineStore } from "@drover/state";
import { type Figure, ms } from "./figure.ts";
import { median, quantile, spread } from "./stats.ts";

const NODES = 1000;
const JOBS = 200;
const PER_JOB = 10;
const WARM_UP_JOBS = 20;
const PLACEMENTS_LIMIT = 3000;
const LARGE = 10_000;
const PARALLEL = 10;
const ROUNDS = 40;
const WARM_UP_ROUNDS = 20;
const TOTAL_LIMIT_MS = 50;
const SLICE_LIMIT_MS = 5;

interface Decision {
  readonly result: SchedulerResult;
  /** What passed between two yields, ms. */
  readonly slicesMs: readonly number[];
}

/** A cluster whose clients do what they are told at once. */
class Cluster {
  readonly #state = new StateMachineStore();
  readonly #random = new SeededRandom(1);
  #now = Date.now();
  #serial = 0;

  constructor() {
    for (let i = 0; i < NODES; i++) {
      this.#apply({ tag: CommandTag.nodeRegister, node: harnessNode(i), evals: [] });
    }
  }

  register(job: Job): void {
    this.#apply({
      tag: CommandTag.jobRegister,
      job,
      submission: null,
      enforceIndex: null,
      preserveCounts: false,
      preserveResources: false,
      evaluation: null,
      alwaysNewVersion: false,
      enforcePriorVersion: null,
    });
  }

  decide(jobId: string): Decision {
    const evaluation = mockEval({ id: this.#id(), jobId, status: "pending" });
    const state = this.#state.snapshot();
    const input = { evaluation, state, now: this.#now, random: this.#random };
    const slices = scheduleInSlices(input);
    const slicesMs: number[] = [];
    for (;;) {
      const from = performance.now();
      const { done, value } = slices.next();
      slicesMs.push(performance.now() - from);
      if (done) return { result: value, slicesMs };
    }
  }

  commit(plan: Plan): void {
    this.#apply({ tag: CommandTag.planApply, plan, evals: [] });
  }

  /** What is to run runs and is healthy, what is to stop has stopped. */
  obey({ placements, stops }: Plan): void {
    const stopped = stops.flatMap(({ allocId }) => this.#state.snapshot().alloc(allocId) ?? []);
    const reports = [
      ...placements.map((alloc) => this.#report(alloc, "running", true)),
      ...stopped.map((alloc) => this.#report(alloc, "complete", null)),
    ];
    this.#apply({ tag: CommandTag.allocClientUpdate, reports, evals: [] });
  }

  #report(alloc: Allocation, clientStatus: "running" | "complete", healthy: boolean | null) {
    this.#serial += 1;
    const seen = { clientSeq: this.#serial, clientStatus, healthy, healthAt: this.#now };
    return mockReport(alloc, seen);
  }

  #apply(body: Record<string, unknown>): void {
    this.#serial += 1;
    this.#now += 1;
    const command = {
      v: COMMAND_VERSION,
      now: this.#now,
      token: this.#id(),
      ...body,
    } as unknown as Command;
    const { result } = this.#state.apply(command, this.#serial);
    if (!result.ok) throw new Error(result.message);
  }

  #id(): string {
    this.#serial += 1;
    return `00000000-0000-4000-8000-${String(this.#serial).padStart(12, "0")}`;
  }
}

export async function measureScheduling(): Promise<readonly Figure[]> {
  return [placements(), ...large()];
}

function jobOf(id: string, count: number, image: string, maxParallel: number): Job {
  const group = mockTaskGroup({ name: "web" });
  const update = group.update && { ...group.update, maxParallel, minHealthyTime: 0 };
  const tasks = [mockTask({ driver: "mock_driver", config: { image } })];
  return mockJob({ id, taskGroups: [{ ...group, count, update, tasks }] });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, each) => total + each, 0);
}

function placements(): Figure {
  const cluster = new Cluster();
  let tookMs = 0;
  let placed = 0;
  for (let i = 0; i < WARM_UP_JOBS + JOBS; i++) {
    const id = `job-${i}`;
    cluster.register(jobOf(id, PER_JOB, "1", PER_JOB));
    const { result, slicesMs } = cluster.decide(id);
    cluster.commit(result.plan);
    if (i < WARM_UP_JOBS) continue;
    placed += result.plan.placements.length;
    tookMs += sum(slicesMs);
  }
  const rate = Math.round((placed / tookMs) * 1000);
  return {
    name: `placements in process, ${PER_JOB} of each job on ${NODES} nodes`,
    measured: `${rate}/s`,
    target: `≥ ${PLACEMENTS_LIMIT}/s`,
    floor: "–",
    met: rate >= PLACEMENTS_LIMIT,
    detail: `${placed} in ${tookMs.toFixed(0)} ms: reconcile, choose nodes, build the plan`,
  };
}

function large(): Figure[] {
  const cluster = new Cluster();
  const id = "large";
  cluster.register(jobOf(id, LARGE, "1", LARGE));
  const { plan } = cluster.decide(id).result;
  if (plan.placements.length !== LARGE) throw new Error(`placed ${plan.placements.length}`);
  cluster.commit(plan);
  cluster.obey(plan);
  cluster.commit(cluster.decide(id).result.plan);
  cluster.register(jobOf(id, LARGE, "2", PARALLEL));
  const totals: number[] = [];
  const slices: number[] = [];
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
    const { result, slicesMs } = cluster.decide(id);
    if (result.plan.placements.length !== PARALLEL) throw new Error("it replaces another number");
    cluster.commit(result.plan);
    cluster.obey(result.plan);
    if (round < WARM_UP_ROUNDS) continue;
    totals.push(sum(slicesMs));
    slices.push(Math.max(...slicesMs));
  }
  const p50 = median(totals);
  const p99 = quantile(slices, 0.99);
  return [
    {
      name: `an evaluation of a job of ${LARGE} in its update, ${PARALLEL} replaced, p50`,
      measured: ms(p50),
      target: `≤ ${TOTAL_LIMIT_MS} ms`,
      floor: "–",
      met: p50 <= TOTAL_LIMIT_MS,
      detail: `${spread(totals)} ms: reconcile, choose nodes, build the plan`,
    },
    {
      name: "the same, the longest stretch without a yield, p99",
      measured: ms(p99),
      target: `≤ ${SLICE_LIMIT_MS} ms`,
      floor: "–",
      met: p99 <= SLICE_LIMIT_MS,
      detail: `of each evaluation the longest: ${spread(slices)} ms, p50 ${ms(median(slices))}`,
    },
  ];
}
