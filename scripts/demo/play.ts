/** The walkthrough: a good update, a stale check-index, a bad version that takes itself back. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestCluster } from "../../test/support/cluster.ts";
import { waitUntil } from "../../test/support/wait.ts";
import { JOB, jobFile } from "./job.ts";
import { watchServing } from "./serving.ts";
import { DemoError, type Stage } from "./stage.ts";

const FILE = `${JOB}.nomad.hcl`;
const COUNT = 6;
const MAX_PARALLEL = 2;

interface Scene {
  readonly stage: Stage;
  readonly cluster: TestCluster;
  readonly folder: string;
  readonly onDocker: boolean;
}

export async function play(scene: Scene): Promise<void> {
  await firstVersion(scene);
  await goodUpdate(scene);
  await badUpdate(scene);
}

async function firstVersion(scene: Scene): Promise<void> {
  const { stage } = scene;
  stage.say("Three agents are one cluster; each is server and client.");
  await stage.drover(["server", "members"]);
  await stage.drover(["node", "status"]);
  stage.say(`Version 0 of ${JOB}: six allocations, spread over the machines.`);
  write(scene, "0.1");
  await stage.drover(["job", "run", FILE]);
  await stage.drover(["status", JOB]);
}

async function goodUpdate(scene: Scene): Promise<void> {
  const { stage, cluster } = scene;
  stage.say("0.1 becomes 0.2. What would happen? (A plan changes nothing; exit code 1: changes.)");
  write(scene, "0.2");
  const { output } = await stage.drover(["job", "plan", FILE], { exit: [1], keep: true });
  const index = /-check-index (\d+)/.exec(output)?.[1];
  if (index === undefined) throw new DemoError("the plan shows no -check-index");
  stage.say("With the index of an older look the job is not touched.");
  await stage.drover(["job", "run", "-check-index", String(Number(index) - 1), FILE], {
    exit: [1],
  });
  stage.say("With the right one it rolls, two at a time. Meanwhile who serves is counted outside.");
  const serving = watchServing(JOB, apiOf(cluster), scene.onDocker);
  await stage.drover(["job", "run", "-check-index", index, FILE]);
  await serving.stop();
  console.log(`Fewest that served at any time: ${serving.lowest} of ${COUNT}`);
  if (serving.lowest < COUNT - MAX_PARALLEL) throw new DemoError("too few served");
  await stage.drover(["status", JOB]);
}

async function badUpdate(scene: Scene): Promise<void> {
  const { stage, cluster, onDocker } = scene;
  const what = onDocker ? "an image that does not exist" : "a version that cannot start";
  stage.say(`0.2 becomes 0.33, ${what}. The job says auto_revert.`);
  write(scene, "0.33");
  const serving = watchServing(JOB, apiOf(cluster), onDocker);
  await stage.drover(["job", "run", FILE], { exit: [1] });
  await settled(scene);
  await serving.stop();
  console.log(`Fewest that served at any time: ${serving.lowest} of ${COUNT}`);
  stage.say("The deployment has failed, and version 3 is version 1 again.");
  await stage.drover(["job", "deployments", JOB]);
  await stage.drover(["job", "history", "-p", JOB]);
  await stage.drover(["status", JOB]);
}

interface DeploymentDoc {
  readonly JobVersion: number;
  readonly Status: string;
}

/** The revert runs by itself; the demo waits for its end and for what it must be. */
async function settled({ cluster }: Scene): Promise<void> {
  const api = apiOf(cluster);
  const list = await waitUntil(
    () => api.get<DeploymentDoc[]>(`/v1/job/${JOB}/deployments`),
    (all) => all.some((one) => one.JobVersion === 3 && one.Status === "successful"),
    { timeoutMs: 60_000, what: "version 3 to be deployed" },
  );
  const bad = list.find((one) => one.JobVersion === 2);
  if (bad?.Status !== "failed") throw new DemoError(`version 2 is ${bad?.Status ?? "missing"}`);
}

function apiOf(cluster: TestCluster) {
  const [first] = cluster.agents;
  if (first === undefined) throw new DemoError("there is no agent");
  return first.api;
}

function write({ folder, onDocker }: Scene, version: string): void {
  writeFileSync(join(folder, FILE), jobFile(version, onDocker));
}
