/**
 * One seed = one run of a whole cluster. First everything goes wrong and only safety is asked for;
 * then everything heals, and every deployment must end, every job converge, nothing be left over.
 * The same seed gives the same trace hash (I10).
 */
import { nanosToMs } from "@drover/base";
import { asFailure, SimFailure } from "@raft/node-raft/sim";
import { allCheckers } from "./checkers/index.ts";
import { openDeployments, unconverged, unsettled } from "./convergence.ts";
import { Faults } from "./faults.ts";
import { type Plan, planOf } from "./scenario.ts";
import { Workload } from "./workload.ts";
import { Cluster } from "./world/cluster.ts";
import { runSteps, takeTurns } from "./world/turns.ts";

const LOOK_MS = 1_000;
/** Over what the deadlines add up to: elections, heartbeats, rescheduling. */
const SLACK_MS = 120_000;
const CONVERGE_MS = 420_000;

export interface RunResult {
  readonly seed: number;
  readonly hash: string;
  readonly events: number;
  readonly simulatedMs: number;
  readonly counts: ReadonlyMap<string, number>;
  readonly failure: SimFailure | null;
  /** Newest last; only when asked for. */
  readonly lines: readonly string[];
}

export interface RunOptions {
  readonly keepLines?: boolean;
  readonly plan?: Partial<Plan>;
}

export async function runSeed(seed: number, options: RunOptions = {}): Promise<RunResult> {
  const plan = { ...planOf(seed), ...options.plan };
  const cluster = new Cluster({
    raft: plan.raft,
    machines: plan.machines,
    cpuShares: plan.cpuShares,
    wallOffsetMs: plan.wallOffsetMs,
    wireDelayMs: plan.wireDelayMs,
    checkers: allCheckers(),
    keepLines: options.keepLines ?? false,
  });
  const failure = await attempt(cluster, plan);
  return {
    seed,
    hash: cluster.trace.hash,
    events: cluster.raft.clock.events,
    simulatedMs: cluster.raft.clock.now,
    counts: cluster.trace.counts,
    failure,
    lines: [...cluster.logs, "---", ...cluster.trace.lines],
  };
}

async function attempt(cluster: Cluster, plan: Plan): Promise<SimFailure | null> {
  const giveBack = takeTurns();
  try {
    await play(cluster, plan);
    return null;
  } catch (error) {
    return asFailure("exception", error);
  } finally {
    giveBack();
  }
}

async function play(cluster: Cluster, plan: Plan): Promise<void> {
  const faults = new Faults(cluster, plan);
  const workload = new Workload(cluster, plan);
  cluster.bootstrap();
  workload.start();
  faults.start();
  await runUntil(cluster, plan.faultsForMs);
  while (faults.isEarly) await runUntil(cluster, cluster.raft.clock.now + LOOK_MS);
  faults.stop();
  workload.stop();
  cluster.raft.network.calm = true;
  cluster.trace.note("healed");
  await expectDeploymentsEnd(cluster, workload);
  cluster.trace.note("settled");
  await expectConvergence(cluster, workload);
  cluster.truth.quiescent(cluster.members.flatMap(({ server }) => server?.snapshot() ?? []));
}

async function runUntil(cluster: Cluster, until: number): Promise<void> {
  const { clock } = cluster.raft;
  await runSteps(() => {
    if (cluster.raft.failure !== null) throw cluster.raft.failure;
    return clock.step(until);
  });
  clock.now = Math.max(clock.now, until);
}

async function look(cluster: Cluster): Promise<void> {
  await runUntil(cluster, cluster.raft.clock.now + LOOK_MS);
  const server = cluster.leader();
  if (server !== null) cluster.truth.look(server.clock.now());
}

/** I4: each within (desired + 1) × its progress deadline. */
async function expectDeploymentsEnd(cluster: Cluster, workload: Workload): Promise<void> {
  const { clock } = cluster.raft;
  const began = clock.now;
  for (;;) {
    workload.release();
    await look(cluster);
    const waiting = unsettled(cluster);
    if (waiting === "") return;
    if (clock.now > began + boundMs(cluster)) {
      const text = `${Math.round(clock.now - began)} ms after healing: ${waiting}`;
      throw new SimFailure("liveness", "deployments end (I4)", text);
    }
  }
}

function boundMs(cluster: Cluster): number {
  const { state } = cluster.truth;
  if (state === null) return SLACK_MS;
  const bounds = openDeployments(state).map((deployment) => {
    const groups = Object.values(deployment.taskGroups);
    const each = groups.map((g) => (g.desiredTotal + 1) * nanosToMs(g.progressDeadline));
    return Math.max(0, ...each);
  });
  // A failed one may be followed by one revert.
  return SLACK_MS + 2 * Math.max(60_000, ...bounds);
}

async function expectConvergence(cluster: Cluster, workload: Workload): Promise<void> {
  const { clock } = cluster.raft;
  const deadline = clock.now + CONVERGE_MS;
  for (;;) {
    if (!workload.isRepaired) workload.repair();
    await look(cluster);
    workload.release();
    const waiting = workload.isRepaired ? unconverged(cluster) : "a job is not repaired";
    if (waiting === "") return;
    if (clock.now > deadline) {
      throw new SimFailure("liveness", "convergence (I4)", `after ${CONVERGE_MS} ms: ${waiting}`);
    }
  }
}
