/** A node is to be drained: how soon is the first of its allocations marked to leave? */
import type { AllocDoc, TestApi } from "../support/api.ts";
import { TestCluster } from "../support/cluster.ts";
import { type EventLine, TestEventReader } from "../support/event-reader.ts";
import { within } from "../support/wait.ts";
import { type Figure, ms } from "./figure.ts";
import { measureFlush } from "./floors.ts";
import { endedDeployment, WAIT_MS } from "./job.ts";
import { mockJob } from "./mock-job.ts";
import { median, spread } from "./stats.ts";

const JOB = "bench-drain";
const COUNT = 30;
const LIMIT_MS = 20;
/** Entries of the log: the drain, and the mark. */
const COMMITS = 2;
const MARK = { timeoutMs: WAIT_MS, what: "the event of a marked allocation" };

export async function measureDrain(rounds: number): Promise<readonly Figure[]> {
  const cluster = await TestCluster.start({ agents: 3, timings: "default" });
  const flushMs = measureFlush();
  const marks: Marks = { onMark: () => undefined };
  const { address } = (await cluster.leader()).api;
  const onLine = (line: EventLine) => readMarks(marks, line);
  const reader = new TestEventReader(address, "topic=Allocation", { onLine });
  try {
    const { api } = await cluster.leader();
    const from = Date.now();
    await api.put("/v1/jobs", { Job: job(0) });
    await endedDeployment(api, JOB, from);
    const nodes = await api.get<readonly { readonly ID: string }[]>("/v1/nodes");
    const samples: number[] = [];
    // The first round warms the code up.
    for (let round = 0; round <= rounds; round++) {
      const node = nodes[round % nodes.length]?.ID ?? "";
      const took = await drainOnce(api, node, marks);
      if (round > 0) samples.push(took);
    }
    const p50 = median(samples);
    return [
      {
        name: "drain request → first allocation marked, p50",
        measured: ms(p50),
        target: `≤ ${LIMIT_MS} ms`,
        floor: ms(COMMITS * flushMs),
        met: p50 <= LIMIT_MS,
        detail: `${spread(samples)} ms; floor: ${COMMITS} flushes of the log`,
      },
    ];
  } finally {
    reader.close();
    await cluster.stop();
  }
}

/** All of it may leave a node at once. */
function job(version: number): unknown {
  const base = mockJob({ id: JOB, count: COUNT, maxParallel: COUNT, version });
  const Migrate = {
    MaxParallel: COUNT,
    HealthCheck: "task_states",
    MinHealthyTime: 0,
    HealthyDeadline: 60e9,
  };
  return { ...base, TaskGroups: base.TaskGroups.map((group) => ({ ...group, Migrate })) };
}

async function drainOnce(api: TestApi, node: string, marks: Marks): Promise<number> {
  const before = await api.get<AllocDoc[]>(`/v1/node/${node}/allocations`);
  if (!before.some(isHere)) throw new Error(`nothing runs on ${node}`);
  const marked = firstMark(marks);
  const from = performance.now();
  await api.put(`/v1/node/${node}/drain`, { DrainSpec: { Deadline: 600e9 } });
  const took = (await within(marked, MARK)) - from;
  await untilNode(api, node, (allocs) => !allocs.some(isHere));
  await api.put(`/v1/node/${node}/drain`, { DrainSpec: null, MarkEligible: true });
  // Another node gets work again: the job is placed anew on all of them.
  await spreadAgain(api);
  return took;
}

/** When the event of it is here. */
function firstMark(reader: Marks): Promise<number> {
  return new Promise((resolve) => {
    reader.onMark = resolve;
  });
}

async function untilNode(
  api: TestApi,
  node: string,
  isDone: (allocs: readonly AllocDoc[]) => boolean,
): Promise<void> {
  const what = `no allocation that runs on ${node}`;
  await api.held(`/v1/node/${node}/allocations`, isDone, { timeoutMs: WAIT_MS, what });
}

function isHere(alloc: AllocDoc): boolean {
  return alloc.DesiredStatus === "run" && alloc.ClientStatus === "running";
}

interface Marks {
  onMark: (at: number) => void;
}

/** Tells of the first mark among the allocations of each line. */
function readMarks(marks: Marks, { Events = [] }: EventLine): void {
  const isMarked = Events.some(({ Payload }) => {
    const { Allocation } = Payload as { readonly Allocation?: MarkedDoc };
    // One that was marked in an earlier round has been stopped since, and may still have news.
    return Allocation?.DesiredTransition?.Migrate === true && Allocation.DesiredStatus === "run";
  });
  if (isMarked) marks.onMark(performance.now());
}

interface MarkedDoc {
  readonly DesiredStatus: string;
  readonly DesiredTransition?: { readonly Migrate: boolean | null };
}

let version = 0;

async function spreadAgain(api: TestApi): Promise<void> {
  version += 1;
  const from = Date.now();
  await api.put("/v1/jobs", { Job: job(version) });
  await endedDeployment(api, JOB, from, version);
}
