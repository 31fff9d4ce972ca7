/**
 * The leader is killed with SIGKILL while a write goes to each survivor every 20 ms: how long until
 * a write that was sent after the kill is acknowledged?
 */
import { type TestAgent, TestCluster } from "../support/cluster.ts";
import { within } from "../support/wait.ts";
import { type Figure, ms } from "./figure.ts";
import { WAIT_MS } from "./job.ts";
import { median, quantile, spread } from "./stats.ts";

const EVERY_MS = 20;
const LIMIT_MS = 1000;
const CALM_WRITES = 50;
let serial = 0;

export async function measureFailover(kills: number): Promise<readonly Figure[]> {
  const cluster = await TestCluster.start({ agents: 3, timings: "default" });
  try {
    const calm = await calmWrites(cluster);
    const samples: number[] = [];
    for (let i = 0; i < kills; i++) samples.push(await killOnce(cluster));
    const p50 = median(samples);
    return [
      {
        name: "leader killed → next acknowledged write, p50",
        measured: ms(p50),
        target: `≤ ${LIMIT_MS} ms`,
        floor: ms(calm),
        met: p50 <= LIMIT_MS,
        detail:
          `${spread(samples)} ms, p99 ${ms(quantile(samples, 0.99))}; ` +
          "floor: a write while the leader lives",
      },
    ];
  } finally {
    await cluster.stop();
  }
}

function job(): unknown {
  serial += 1;
  const ID = `bench-write-${serial % 20}`;
  const task = { Name: "t", Driver: "mock_driver", Config: { run_for: `${serial}s` } };
  const TaskGroups = [{ Name: "g", Count: 0, Tasks: [task] }];
  return { ID, Name: ID, Type: "service", Datacenters: ["dc1"], TaskGroups };
}

async function write(agent: TestAgent): Promise<void> {
  await agent.api.put("/v1/jobs", { Job: job() });
}

async function calmWrites(cluster: TestCluster): Promise<number> {
  const leader = await cluster.leader();
  const follower = cluster.alive.find((agent) => agent !== leader) ?? leader;
  const samples: number[] = [];
  for (let i = 0; i < CALM_WRITES; i++) {
    const from = performance.now();
    await write(follower);
    samples.push(performance.now() - from);
  }
  return median(samples);
}

async function killOnce(cluster: TestCluster): Promise<number> {
  const leader = await cluster.leader();
  const survivors = cluster.alive.filter((agent) => agent !== leader);
  for (const agent of survivors) await write(agent);
  const killedAt = performance.now();
  const killed = cluster.kill(leader);
  const acknowledgedAt = await firstAcknowledged(survivors);
  await killed;
  cluster.boot(leader);
  await cluster.ready(cluster.agents.length);
  await cluster.leader();
  return acknowledgedAt - killedAt;
}

/** Starts a write on each survivor every 20 ms until one has been acknowledged. */
async function firstAcknowledged(survivors: readonly TestAgent[]): Promise<number> {
  let timer: NodeJS.Timeout | undefined;
  const acknowledged = new Promise<number>((resolve) => {
    function send(): void {
      for (const agent of survivors) {
        write(agent).then(
          () => resolve(performance.now()),
          // Refused while nobody leads: that is what is being measured.
          () => undefined,
        );
      }
    }
    timer = setInterval(send, EVERY_MS);
    send();
  });
  const what = "a write to be acknowledged after the leader was killed";
  try {
    return await within(acknowledged, { timeoutMs: WAIT_MS, what });
  } finally {
    clearInterval(timer);
  }
}
