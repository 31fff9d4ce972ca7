/**
 * What the nodes of a deployment's next batch still have to fetch (DESIGN §12.3, rules F in
 * reconciler/SPEC.md): they can while this batch becomes healthy. It is a hint. Nothing of it is
 * stored or counted, and the scheduler decides as if nobody had given it.
 */
import { SeededRandom } from "@drover/base";
import {
  type Allocation,
  type Deployment,
  DeploymentStatus,
  isClientTerminal,
  isServerTerminal,
  isTerminal,
  type Job,
  type JobRef,
  JobType,
  maxSurgeOf,
  type StateReader,
  servingState,
  type TaskGroup,
  updateKind,
} from "@drover/model";
import { ClusterView } from "./cluster-view.ts";
import { needsImages, tasksToFetch } from "./feasible/images.ts";
import { candidateNodes, isCandidate } from "./node-set.ts";
import { Placer } from "./placer.ts";
import { isPreparing } from "./prepared.ts";
import { groupOf, isOfVersion } from "./reconciler/alloc-facts.ts";
import { AllocClass, classify } from "./reconciler/buckets.ts";
import { triageDeployment } from "./reconciler/deployment-step.ts";
import { replacementOrder } from "./reconciler/group-roll.ts";
import { hasUpdateStrategy, isClosed, RANK } from "./reconciler/limit.ts";
import { isCanarying } from "./reconciler/pass.ts";
import { isRevert } from "./session.ts";
import { perNode } from "./system.ts";

export interface NextImages {
  readonly nodeId: string;
  readonly group: string;
  /** Those of its tasks whose images the node lacks. */
  readonly tasks: readonly string[];
}

interface Scope {
  readonly state: StateReader;
  readonly job: Job;
  readonly deployment: Deployment;
  readonly now: number;
}

/** null = the job has no images, or no deployment that goes on by itself. */
export function nextImages(
  state: StateReader,
  ref: JobRef,
  now: number,
): readonly NextImages[] | null {
  const job = state.job(ref);
  if (job === undefined || !job.taskGroups.some(needsImages)) return null;
  const [newest] = state.deploymentsByJob(ref);
  const { current } = triageDeployment(newest ?? null, job);
  if (current?.status !== DeploymentStatus.running) return null;
  const scope = { state, job, deployment: current, now };
  return job.taskGroups.flatMap((group) => nextOfGroup(scope, group));
}

function nextOfGroup(scope: Scope, declared: TaskGroup): NextImages[] {
  const { deployment, job, state } = scope;
  const group =
    job.type === JobType.system
      ? perNode(declared, candidateNodes(state, job).nodes.length)
      : declared;
  const part = deployment.taskGroups[group.name];
  if (part === undefined || isCanarying(part) || !needsImages(group)) return [];
  // X1: where a surge starts its allocations is not known before.
  if (!hasUpdateStrategy(group) || maxSurgeOf(group) > 0) return [];
  const allocs = state
    .allocsByJob(job)
    .filter((alloc) => alloc.taskGroup === group.name && !isServerTerminal(alloc));
  if (isClosed({ deployment, isBlocked: false, untainted: allocs })) return [];
  const { maxParallel } = group.update;
  const pairs = allocs.filter(isPreparing);
  const fetching = pairs.filter((next) => !next.prepared && !isClientTerminal(next));
  const room = maxParallel - new Set(fetching.map((next) => next.nodeId)).size;
  if (room <= 0) return [];
  const inPairs = new Set(pairs.map((next) => next.previousAllocation));
  const olds = toReplace(scope, group, allocs).filter((old) => !inPairs.has(old.id));
  const next = firstToGo(scope, inOrder(scope, olds), maxParallel);
  return missingOnNodes(scope, group, next).slice(0, room);
}

/** G14: what runs an older version that must make way. */
function toReplace(scope: Scope, group: TaskGroup, allocs: readonly Allocation[]): Allocation[] {
  const { job, state } = scope;
  const kinds = new Map<string, boolean>();
  const isReplaced = (alloc: Allocation): boolean => {
    const version = `${alloc.jobCreateIndex}/${alloc.jobVersion}`;
    const known = kinds.get(version);
    if (known !== undefined) return known;
    const old = state.allocJob(alloc);
    const replaced = old === undefined || updateKind(old, job, group.name) === "destructive";
    kinds.set(version, replaced);
    return replaced;
  };
  return allocs.filter(
    (alloc) => !isTerminal(alloc) && !isOfVersion(alloc, job) && isReplaced(alloc),
  );
}

/** Those that need not leave for another reason. Of thousands only a few are asked. */
function firstToGo(
  { now, state }: Scope,
  ordered: readonly Allocation[],
  count: number,
): Allocation[] {
  const context = {
    now,
    node: (id: string) => state.node(id),
    groupOf: (alloc: Allocation) => groupOf(state.allocJob(alloc), alloc.taskGroup),
  };
  const first: Allocation[] = [];
  for (const alloc of ordered) {
    if (first.length === count) break;
    if (classify(alloc, context) === AllocClass.untainted) first.push(alloc);
  }
  return first;
}

/** L3; Y5 of a system job. */
function inOrder({ job, state }: Scope, olds: readonly Allocation[]): Allocation[] {
  const deployments = new Map(state.deploymentsByJob(job).map((each) => [each.id, each]));
  const serves = (alloc: Allocation) =>
    servingState(alloc, { deployment: deployments.get(alloc.deploymentId), jobType: job.type });
  if (job.type === JobType.system) {
    return olds.toSorted((a, b) => RANK[serves(a)] - RANK[serves(b)]);
  }
  const { compare, turnOf } = replacementOrder(serves, olds.length > 1 && isRevert(state, job));
  return olds
    .map((alloc) => ({ alloc, turn: turnOf(alloc) }))
    .sort((a, b) => compare(a.turn, b.turn))
    .map(({ alloc }) => alloc);
}

/** F4, F5: one entry per node, in the order in which they will be needed. */
function missingOnNodes(
  { job, now, state }: Scope,
  group: TaskGroup,
  olds: readonly Allocation[],
): NextImages[] {
  const found = new Map<string, NextImages>();
  const view = new ClusterView(state, now);
  const nodes = { nodes: [], nodePool: job.nodePool, nodesInPool: 0, nodesAvailable: {} };
  const config = state.schedulerConfig();
  const placer = new Placer({ view, job, nodes, config, random: new SeededRandom(0) });
  for (const old of olds) {
    const node = state.node(old.nodeId);
    if (node === undefined || !isCandidate(node, job)) continue;
    if (found.has(node.id)) continue;
    const tasks = tasksToFetch(node, job, group);
    if (tasks.length === 0) continue;
    view.stop(old);
    if (placer.selectOn(group, node).node === null) continue;
    found.set(node.id, { nodeId: node.id, group: group.name, tasks });
  }
  return [...found.values()];
}
