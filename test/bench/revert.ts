/** A version whose image does not exist, with auto_revert: how soon is the old one back? */
import type { TestApi } from "../support/api.ts";
import { TestCluster } from "../support/cluster.ts";
import { geoJob } from "../support/geo-job.ts";
import { type Figure, ms } from "./figure.ts";
import { measureFlush, measureMissingImage } from "./floors.ts";
import { endedDeployment, purge, WAIT_MS } from "./job.ts";
import { median, spread } from "./stats.ts";

const JOB = "geo-bench-revert";
const MISSING = "0.33";
const LIMIT_MS = 300;
/** Entries of the log: the job, its plan, the report, the failure with the old version. */
const COMMITS = 4;

export async function measureRevert(rounds: number): Promise<readonly Figure[]> {
  const cluster = await TestCluster.start({
    agents: 3,
    docker: true,
    consul: true,
    timings: "default",
  });
  try {
    const [agent] = cluster.alive;
    if (agent === undefined) throw new Error("no agent lives");
    const floorMs =
      (await measureMissingImage(`geo-api-server:${MISSING}`)) + COMMITS * measureFlush();
    await register(agent.api, "0.1");
    const samples: number[] = [];
    for (let i = 0; i < rounds; i++) samples.push(await revertOnce(agent.api));
    const p50 = median(samples);
    return [
      {
        name: "missing image: registered → the version before registered again, p50",
        measured: ms(p50),
        target: `≤ ${LIMIT_MS} ms`,
        floor: ms(floorMs),
        met: p50 <= LIMIT_MS,
        detail: `${spread(samples)} ms; floor: the engine's refusal and ${COMMITS} flushes`,
      },
    ];
  } finally {
    await purge(cluster, JOB);
    await cluster.stop();
  }
}

async function register(api: TestApi, image: string): Promise<void> {
  const from = Date.now();
  await api.run(geoJob({ image, name: JOB, autoRevert: true, minHealthy: "0s" }));
  await endedDeployment(api, JOB, from);
}

async function revertOnce(api: TestApi): Promise<number> {
  const hcl = geoJob({ image: MISSING, name: JOB, autoRevert: true, minHealthy: "0s" });
  const Job = await api.put("/v1/jobs/parse", { JobHCL: hcl });
  const before = await api.request("GET", `/v1/job/${JOB}`);
  const { Version } = before.json as { readonly Version: number };
  const from = Date.now();
  const seen = versionReached(api, Version + 2, before.index);
  await api.put("/v1/jobs", { Job });
  const took = (await seen) - from;
  // The revert's own deployment ends before the next round.
  await endedDeployment(api, JOB, from, Version + 2);
  return took;
}

async function versionReached(api: TestApi, version: number, index: number): Promise<number> {
  const isThere = ({ Version }: { readonly Version: number }) => Version >= version;
  await api.held(`/v1/job/${JOB}`, isThere, {
    ...{ timeoutMs: WAIT_MS, what: `version ${version} of ${JOB}`, index },
  });
  return Date.now();
}
