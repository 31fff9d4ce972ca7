/** From nothing to three agents, through the walkthrough, and back to nothing. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TestCluster } from "../../test/support/cluster.ts";
import { containersOf, DOCKER } from "../../test/support/real-parts.ts";
import { waitUntil } from "../../test/support/wait.ts";
import { dockerCall } from "../infra/docker.ts";
import { ROOT } from "../lib/files.ts";
import { JOB } from "./job.ts";
import { play } from "./play.ts";
import { Stage } from "./stage.ts";

const AGENTS = 3;
const PROGRAM = [process.execPath, join(ROOT, "packages/cli/src/main.ts")];

/** Ends with a rejection when something did not go as it should; nothing is left in either case. */
export async function show(onDocker: boolean): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "drover-demo-"));
  const cluster = await TestCluster.start({
    agents: AGENTS,
    docker: onDocker,
    consul: onDocker,
    timings: "default",
  });
  const address = `http://${cluster.agents[0]?.host}:4646`;
  const stage = new Stage({ program: PROGRAM, env: { NOMAD_ADDR: address }, cwd: folder });
  const interrupted = new Promise<never>((_resolve, reject) => {
    process.once("SIGINT", () => reject(new Error("interrupted")));
  });
  try {
    await Promise.race([play({ stage, cluster, folder, onDocker }), interrupted]);
    stage.say("The end: the job is stopped, the agents end, and what they made goes.");
    await stage.drover(["job", "stop", JOB]);
  } finally {
    await clear(cluster, onDocker);
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`\nThe demo took ${stage.seconds} s.`);
}

/** Nothing of the job may outlive its agents, wherever the demo was. */
async function clear(cluster: TestCluster, onDocker: boolean): Promise<void> {
  const clusterId = await cluster.clusterId();
  try {
    await stopTasks(cluster);
  } finally {
    await cluster.stop();
    if (onDocker) await removeContainers(clusterId);
  }
}

interface AllocDoc {
  readonly ClientStatus: string;
}

async function stopTasks({ agents }: TestCluster): Promise<void> {
  const api = agents[0]?.api;
  if (api === undefined) return;
  await api.request("DELETE", `/v1/job/${JOB}`);
  await waitUntil(
    () => api.get<AllocDoc[]>("/v1/allocations"),
    (list) => list.every(({ ClientStatus }) => !["pending", "running"].includes(ClientStatus)),
    { timeoutMs: 30_000, what: "the tasks to end" },
  );
}

async function removeContainers(clusterId: string): Promise<void> {
  const socketPath = DOCKER.slice("unix://".length);
  for (const { Id } of await containersOf(clusterId)) {
    await dockerCall("DELETE", `/containers/${Id}?force=true`, { socketPath });
  }
}
