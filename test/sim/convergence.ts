/** I4: what has not come to rest yet, in words; "" = everything has. */
import { type Deployment, isDeploymentActive, type Job, type TaskGroup } from "@drover/model";
import type { StateSnapshot } from "@drover/state";
import type { Cluster } from "./world/cluster.ts";
import { desiredToRun } from "./world/truth.ts";

/** A deployment that is still under way. */
export function openDeployments(state: StateSnapshot): Deployment[] {
  return [...state.deployments()].filter(isDeploymentActive);
}

export function unsettled(cluster: Cluster): string {
  const { state } = cluster.truth;
  if (state === null) return "nothing was ever committed";
  const open = openDeployments(state).find((each) => !waitsForRoom(state, each));
  if (open !== undefined) {
    return `deployment ${open.id.slice(0, 8)} of ${open.jobId} is ${open.status}`;
  }
  for (const evaluation of state.evaluations()) {
    if (evaluation.status !== "pending" || evaluation.waitUntil > state.clock) continue;
    return `evaluation ${evaluation.id.slice(0, 8)} of ${evaluation.jobId} is pending`;
  }
  return "";
}

/**
 * One without a deadline that waits for capacity may wait until there is some: the named exception
 * of DESIGN §12.1. The blocked evaluation is its reason and its wake-up.
 */
function waitsForRoom(
  state: StateSnapshot,
  { namespace, jobId: id, ...rest }: Deployment,
): boolean {
  const groups = Object.values(rest.taskGroups);
  const hasClock = groups.some((group) => group.requireProgressBy > 0);
  const evals = state.evalsByJob({ namespace, id });
  return !hasClock && evals.some(({ status }) => status === "blocked");
}

/** Beyond that: what is desired is the newest version, and runs. */
export function unconverged(cluster: Cluster): string {
  const { state } = cluster.truth;
  const waiting = unsettled(cluster);
  if (waiting !== "" || state === null) return waiting;
  const open = openDeployments(state)[0];
  if (open !== undefined) return `deployment ${open.id.slice(0, 8)} of ${open.jobId} has no room`;
  for (const job of state.jobs()) {
    const problem = jobProblem(cluster, state, job);
    if (problem !== "") return `${job.id} version ${job.version}: ${problem}`;
  }
  for (const node of state.nodes()) {
    if (node.status !== "ready") return `node ${node.name} is ${node.status}`;
  }
  const known = [...state.nodes()].length;
  if (known !== cluster.machines.length) return `${known} nodes are known`;
  const voters = cluster.raft.leader()?.view.conf.voters ?? [];
  const lost = voters.find((id) => !cluster.members.some((member) => member.id === id));
  if (lost !== undefined) return `server ${lost} is lost and still votes`;
  return containerProblem(cluster, state);
}

function jobProblem(cluster: Cluster, state: StateSnapshot, job: Job): string {
  if (job.type === "batch" || job.type === "sysbatch") return "";
  for (const group of job.taskGroups) {
    const problem = groupProblem(cluster, state, { job, group });
    if (problem !== "") return `${group.name}: ${problem}`;
  }
  return "";
}

function groupProblem(
  cluster: Cluster,
  state: StateSnapshot,
  { job, group }: { readonly job: Job; readonly group: TaskGroup },
): string {
  const desired = desiredToRun(state, job, group.name);
  if (job.stop) return desired.length === 0 ? "" : `${desired.length} desired, and it is stopped`;
  const eligible = [...state.nodes()].filter((n) => n.schedulingEligibility === "eligible");
  const wanted = job.type === "system" ? eligible.length : group.count;
  if (desired.length !== wanted) return `${desired.length} desired to run, ${wanted} wanted`;
  const names = new Set(desired.map(({ name }) => name));
  if (job.type === "service" && names.size < wanted) return `only ${names.size} names are used`;
  for (const alloc of desired) {
    const id = alloc.id.slice(0, 8);
    if (alloc.jobVersion !== job.version) return `${id} is of version ${alloc.jobVersion}`;
    if (alloc.clientStatus !== "running") return `${id} is ${alloc.clientStatus}`;
    if (!cluster.truth.isServing(alloc)) return `${id} does not serve`;
  }
  return "";
}

function containerProblem(cluster: Cluster, state: StateSnapshot): string {
  for (const { engine } of cluster.machines) {
    for (const { identity, name } of engine.running()) {
      if (state.alloc(identity.allocId)?.desiredStatus !== "run") return `${name} still runs`;
    }
  }
  for (const { spec } of cluster.catalog.services.values()) {
    if (state.alloc(spec.allocId)?.desiredStatus !== "run") return `${spec.id} still registered`;
  }
  return "";
}
