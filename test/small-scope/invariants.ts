/** What must hold in every world, and where a run may end (DESIGN §13: I2, I3, I4). */
import { nanosToMs } from "@drover/base";
import { type Explanation, explainInSlices } from "@drover/forecast";
import {
  type Allocation,
  AllocPhase,
  ClientStatus,
  type Deployment,
  DeploymentStatus,
  DesiredStatus,
  isClientTerminal,
  isDeploymentActive,
  isServerTerminal,
  type Job,
  NodeStatus,
  type Plan,
  SubjectKind,
  subjectOf,
} from "@drover/model";
import { MOCK_NOW } from "@drover/model/testing";
import type { StateSnapshot } from "@drover/state";
import { groupsOf, JOB } from "./scope.ts";
import type { World } from "./world.ts";

/** The first invariant that does not hold, in words; "" = all do. */
export function violation(world: World): string {
  for (const group of groupsOf(world.scope)) {
    const broken =
      servingFloor(world, group) ||
      calmFloor(world, group) ||
      desiredBound(world, group) ||
      undecidedLimit(world, group);
    if (broken !== "") return broken;
  }
  return deadline(world);
}

function allocsOf(state: StateSnapshot, group: string): Allocation[] {
  return state.allocsByJob(JOB).filter(({ taskGroup }) => taskGroup === group);
}

/** I2: an update stops one that serves only while `count - max_parallel` others do. */
function servingFloor(world: World, group: string): string {
  for (const { basis, before, command } of world.written) {
    if (command.tag !== 6) continue;
    const floor = countOf(world, command.plan, group) - world.scope.maxParallel;
    const stops = command.plan.stops
      .filter(({ clientStatus }) => clientStatus === undefined)
      .map(({ allocId }) => before.alloc(allocId))
      .filter((alloc) => alloc?.taskGroup === group);
    // One that did not serve when the plan was made was free to go.
    const hurt = stops.filter(
      (alloc) =>
        alloc !== undefined &&
        isUpdated(alloc, world) &&
        serves(before, alloc) &&
        serves(basis, basis.alloc(alloc.id)),
    );
    if (hurt.length === 0) continue;
    // One that was lost while the plan was made still counts: nobody knew.
    const serving = allocsOf(world.state, group)
      .filter((alloc) => !isServerTerminal(alloc))
      .filter((alloc) => serves(world.state, alloc) || serves(basis, basis.alloc(alloc.id)));
    if (serving.length >= floor) continue;
    const names = hurt.map((alloc) => alloc?.id.slice(-2)).join();
    return `I2: ${names} stopped, ${serving.length} serve, at least ${floor} have to`;
  }
  return "";
}

/**
 * I2, whoever stops: where nothing was lost, updates and drains together leave so many serving. A
 * drain gives up one at a time (`migrate`), until its deadline.
 */
function calmFloor(world: World, group: string): string {
  const { progress, scope, state } = world;
  const isScaled = scope.script.some(
    (each) => each.kind === "stop" || (each.kind === "submit" && each.count !== undefined),
  );
  const isCalm = progress.faults.length === 0 && !isScaled;
  // Time has passed where a drain's deadline may have come.
  if (!isCalm || world.written.length === 0 || world.now > MOCK_NOW) return "";
  const serving = allocsOf(state, group).filter((alloc) => serves(state, alloc)).length;
  const floor = scope.count - scope.maxParallel;
  if (serving >= floor || world.job.version === 0) return "";
  return `I2: ${serving} serve, at least ${floor} have to`;
}

/** Of another version; what a drain has marked leaves at the drain's pace. */
function isUpdated(alloc: Allocation, world: World): boolean {
  return alloc.jobVersion !== world.job.version && alloc.desiredTransition.migrate !== true;
}

/** As its client sees it. */
function serves(state: StateSnapshot, alloc: Allocation | undefined): boolean {
  if (alloc === undefined || alloc.clientStatus !== ClientStatus.running) return false;
  if (isServerTerminal(alloc) || state.alloc(alloc.id) === undefined) return false;
  return alloc.serving === true;
}

/** I3: a pair of make before break is one (reconciler P3). */
function desiredBound(world: World, group: string): string {
  for (const { before, command } of world.written) {
    if (command.tag !== 6) continue;
    const { canary = 0, maxSurge = 0 } = world.scope;
    const bound = countOf(world, command.plan, group) + canary + maxSurge;
    const now = desired(world.state, group);
    if (now <= bound || now <= desired(before, group)) continue;
    return `I3: ${now} are desired to run, at most ${bound} may`;
  }
  return "";
}

/** What is out of reach may be replaced, and counts again when it is back (chapter 3.10). */
function desired(state: StateSnapshot, group: string): number {
  return allocsOf(state, group)
    .filter((alloc) => alloc.desiredStatus === DesiredStatus.run && !isClientTerminal(alloc))
    .filter((alloc) => alloc.clientStatus !== ClientStatus.unknown)
    .filter((alloc) => alloc.phase !== AllocPhase.prepare).length;
}

/** What the version wanted that the plan was made for; another may have come since. */
function countOf({ state }: World, { jobVersion }: Plan, group: string): number {
  const job = state.jobVersion(JOB, jobVersion);
  return job === undefined ? 0 : wanted(job, group);
}

function wanted(job: Job, group: string): number {
  if (job.stop) return 0;
  return job.taskGroups.find(({ name }) => name === group)?.count ?? 0;
}

/** L1, where nothing was lost or stopped by others: what is missing is placed at once (G18). */
function undecidedLimit(world: World, group: string): string {
  const { scope, state, written } = world;
  const isUntouched =
    world.progress.faults.length === 0 &&
    scope.script.every(({ kind }) => kind !== "drain" && kind !== "stop");
  if (!isUntouched || !written.some(({ command }) => command.tag === 6)) return "";
  const [newest] = state.deploymentsByJob(JOB);
  if (newest === undefined || !isDeploymentActive(newest) || newest.jobVersion === 0) return "";
  const undecided = state
    .allocsByDeployment(newest.id)
    .filter(({ taskGroup }) => taskGroup === group)
    .filter((alloc) => !isServerTerminal(alloc) && alloc.createIndex >= newest.createIndex)
    .filter((alloc) => (alloc.deploymentStatus?.healthy ?? null) === null);
  const bound = Math.max(scope.maxParallel, scope.canary ?? 0);
  if (undecided.length <= bound) return "";
  return `L1: ${undecided.length} are undecided, at most ${bound} may be`;
}

/** I4: a deployment that nobody holds up ends within its bound (DESIGN §12.1). */
function deadline(world: World): string {
  for (const each of world.state.deploymentsByJob(JOB)) {
    if (each.status !== DeploymentStatus.running || !isDeploymentActive(each)) continue;
    for (const group of Object.values(each.taskGroups)) {
      if (group.progressDeadline === 0 || awaitsPromotion(group)) continue;
      const bound = (group.desiredTotal + 1) * nanosToMs(group.progressDeadline);
      const age = world.now - each.createTime;
      if (age > bound) return `I4: a deployment has run for ${age} ms, its bound is ${bound}`;
    }
  }
  return "";
}

function awaitsPromotion(group: Deployment["taskGroups"][string]): boolean {
  return group.desiredCanaries > 0 && !group.promoted;
}

/** What must happen from outside before anything goes on. */
const ROOTS: ReadonlySet<SubjectKind> = new Set([SubjectKind.operator, SubjectKind.capacity]);

/**
 * Nothing is left to do by itself: then the newest version runs as wanted, or something typed says
 * whom everybody waits for. To wait for the leader, for a client or for time would be to wait for
 * what will not come.
 */
export function unexplained(world: World): string {
  const open = notConverged(world);
  if (open === "") return "";
  const { now, state } = world;
  const { chain } = explained({ state, subject: subjectOf.job(JOB), now });
  const root = chain.at(-1);
  if (root === undefined) return `I4: at rest without a reason: ${open}`;
  if (root.waitsFor.some(({ kind }) => ROOTS.has(kind))) return "";
  return `I4: at rest, ${open}, and yet it waits: ${root.rule}: ${root.text}`;
}

function explained(input: Parameters<typeof explainInSlices>[0]): Explanation {
  const slices = explainInSlices(input);
  for (;;) {
    const { done, value } = slices.next();
    if (done) return value;
  }
}

function notConverged(world: World): string {
  const [newest] = world.state.deploymentsByJob(JOB);
  if (newest !== undefined && isDeploymentActive(newest)) return `deployment ${newest.status}`;
  for (const group of groupsOf(world.scope)) {
    const open = notAsWanted(world, group);
    if (open !== "") return open;
  }
  return "";
}

function notAsWanted({ job, state }: World, group: string): string {
  const live = allocsOf(state, group).filter(
    (alloc) => alloc.desiredStatus === DesiredStatus.run && !isClientTerminal(alloc),
  );
  const count = wanted(job, group);
  if (live.length !== count) return `${live.length} of ${count} are desired`;
  const other = live.find((alloc) => alloc.jobVersion !== job.version);
  if (other !== undefined) return `one is of version ${other.jobVersion}, wanted is ${job.version}`;
  const idle = live.find((alloc) => alloc.clientStatus !== ClientStatus.running);
  if (idle !== undefined) return `one is ${idle.clientStatus}`;
  const gone = live.find(({ nodeId }) => state.node(nodeId)?.status !== NodeStatus.ready);
  return gone === undefined ? "" : "one is on a node that is gone";
}
