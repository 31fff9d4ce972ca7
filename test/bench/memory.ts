/** What ten thousand allocations cost the servers that run none of them: memory, from /proc. */
import { setTimeout as delay } from "node:timers/promises";
import type { TestApi } from "../support/api.ts";
import { TestCluster } from "../support/cluster.ts";
import type { Figure } from "./figure.ts";
import { WAIT_MS } from "./job.ts";
import { mockJob, ROOMY } from "./mock-job.ts";
import { readProcess } from "./process.ts";

const ALLOCS = 10_000;
const JOBS = 10;
const SERVERS = 3;
const CLIENTS = 3;
const LIMIT_MB = 250;
const SETTLE_MS = 30_000;

export async function measureMemory(): Promise<readonly Figure[]> {
  const cluster = await TestCluster.start({
    agents: SERVERS + CLIENTS,
    clientsOnly: CLIENTS,
    serversOnly: true,
    timings: "default",
    clientExtra: ROOMY,
  });
  try {
    const { api } = await cluster.leader();
    const servers = cluster.agents.slice(0, SERVERS);
    const rss = () => servers.map((agent) => readProcess(agent.process?.pid ?? 0).rssMb);
    const empty = Math.max(...rss());
    const from = performance.now();
    for (let i = 0; i < JOBS; i++) {
      await api.put("/v1/jobs", { Job: mockJob({ id: `bench-${i}`, count: ALLOCS / JOBS }) });
    }
    await untilRunning(api);
    const tookMs = performance.now() - from;
    await delay(SETTLE_MS);
    const seen = rss();
    const most = Math.max(...seen);
    return [
      {
        name: `server with ${ALLOCS} running allocations: resident memory, the largest of three`,
        measured: `${most.toFixed(0)} MB`,
        target: `≤ ${LIMIT_MB} MB`,
        floor: `${empty.toFixed(0)} MB`,
        met: most <= LIMIT_MB,
        detail:
          `${seen.map((one) => one.toFixed(0)).join(", ")} MB, ${SETTLE_MS / 1000} s after the ` +
          `last one ran; all ran ${(tookMs / 1000).toFixed(0)} s after the first request; floor: ` +
          "the same servers without any",
      },
    ];
  } finally {
    await cluster.stop();
  }
}

async function untilRunning(api: TestApi): Promise<void> {
  for (let i = 0; i < JOBS; i++) {
    const all = ALLOCS / JOBS;
    await api.held(
      `/v1/job/bench-${i}/summary`,
      ({ Summary }: { Summary: { g?: { Running: number } } }) => (Summary.g?.Running ?? 0) >= all,
      { timeoutMs: WAIT_MS, what: `${all} running allocations of bench-${i}` },
    );
  }
}
