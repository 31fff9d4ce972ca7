/** D2 and D10: why a deployment does nothing yet, each with what it waits for (DESIGN §12.6). */
import {
  type Allocation,
  type Deployment,
  DeploymentStatus,
  isServerTerminal,
  lateAt,
  NodeStatus,
  OPERATOR,
  type Reason,
  type Reasons,
  Rule,
  type StateReader,
  subjectOf,
  waitsFor,
} from "@drover/model";
import { type GroupFacts, isUnattended } from "./deployment-facts.ts";

export interface Situation {
  readonly deployment: Deployment;
  readonly allocs: readonly Allocation[];
  readonly groups: readonly GroupFacts[];
  readonly state: StateReader;
  readonly now: number;
  readonly isPaused: boolean;
  readonly wakeAt: number | null;
}

export function superseded(deployment: Deployment): Reason {
  return waitsFor(
    {
      rule: Rule.deploymentSuperseded,
      subject: subjectOf.deployment(deployment),
      text: "its job has changed or was stopped: the evaluation of that change cancels it",
      since: deployment.modifyTime,
    },
    jobOf(deployment),
  );
}

/** All groups are done: the scheduler says so in the plan that follows. */
export function completes({ deployment, wakeAt }: Situation): Reason {
  return waitsFor(
    {
      rule: Rule.deploymentCompletes,
      subject: subjectOf.deployment(deployment),
      text: "everything is healthy: the next evaluation of its job completes it",
      since: deployment.modifyTime,
      wakesAt: wakeAt,
    },
    jobOf(deployment),
  );
}

/** Nothing moves, by its status alone. */
export function whyStanding(deployment: Deployment): Reason | null {
  const { id, status } = deployment;
  const subject = subjectOf.deployment(deployment);
  const since = deployment.clockStoppedAt || deployment.modifyTime;
  if (status === DeploymentStatus.paused) {
    const hint = `drover deployment resume ${id}`;
    const text = "it is paused";
    return waitsFor({ rule: Rule.deploymentPaused, subject, text, since, hint }, OPERATOR);
  }
  if (status === DeploymentStatus.pending || status === DeploymentStatus.initializing) {
    const hint = `drover deployment resume ${id}`;
    const text = `it has not begun: its status is ${status}`;
    return waitsFor({ rule: Rule.deploymentPending, subject, text, since, hint }, OPERATOR);
  }
  return null;
}

/** What a group that is not done waits for: at least one thing. */
export function whyOpen(situation: Situation, group: GroupFacts): Reasons {
  if (group.isAwaitingPromotion) return [awaitsPromotion(situation, group)];
  const { deployment, state } = situation;
  const open = situation.allocs.filter(
    (alloc) => alloc.taskGroup === group.name && isUndecided(alloc),
  );
  const isUnseen = (alloc: Allocation) =>
    alloc.unseen === true || state.node(alloc.nodeId)?.status !== NodeStatus.ready;
  const unseen = open.filter(isUnseen);
  const seen = open.filter((alloc) => !isUnseen(alloc));
  const reasons: Reason[] = [];
  const [firstUnseen, ...otherUnseen] = unseen.map((alloc) => subjectOf.node(alloc.nodeId));
  if (firstUnseen) {
    const text = `${count(unseen)} of ${title(group)}: health cannot be seen from here`;
    const told = { ...toldOf(situation, group), rule: Rule.deploymentHealthUnseen, text };
    reasons.push(waitsFor(told, firstUnseen, ...otherUnseen));
  }
  const [firstSeen, ...otherSeen] = seen.map(subjectOf.allocation);
  if (firstSeen) {
    const text = `${title(group)}: ${progressOf(group)}; ${count(seen)} not healthy yet`;
    const told = { ...toldOf(situation, group), rule: Rule.deploymentAwaitsHealth, text };
    reasons.push(waitsFor(told, firstSeen, ...otherSeen));
  }
  const noPlace = state
    .evalsByJob(jobRefOf(deployment))
    .find((each) => each.status === "blocked" && Object.hasOwn(each.failedTgAllocs, group.name));
  const [first, ...others] = reasons;
  if (first && noPlace === undefined) return [first, ...others];
  const text = `${title(group)}: ${progressOf(group)}; the others are not placed`;
  const told = { ...toldOf(situation, group), rule: Rule.deploymentAwaitsPlacement, text };
  const itself = subjectOf.group(jobRefOf(deployment), group.name);
  const placing = noPlace
    ? waitsFor(told, subjectOf.evaluation(noPlace), itself)
    : waitsFor(told, itself);
  return first ? [first, ...others, placing] : [placing];
}

function awaitsPromotion({ deployment }: Situation, group: GroupFacts): Reason {
  const { name, state } = group;
  return waitsFor(
    {
      rule: Rule.deploymentAwaitsPromotion,
      subject: subjectOf.deployment(deployment),
      text: `${title(group)}: its canaries are healthy and wait to be promoted`,
      since: deployment.clockStoppedAt || deployment.modifyTime,
      evidence: { group: name, canaries: String(state.desiredCanaries) },
      hint: `drover deployment promote ${deployment.id}`,
    },
    OPERATOR,
  );
}

/** A region's deployment that is done waits for the others. */
export function whyBlocked(deployment: Deployment): Reason | null {
  const { id, status } = deployment;
  if (status !== DeploymentStatus.blocked && status !== DeploymentStatus.unblocking) return null;
  return waitsFor(
    {
      rule: Rule.deploymentBlocked,
      subject: subjectOf.deployment(deployment),
      text: `its status is ${status}`,
      since: deployment.modifyTime,
      hint: `drover deployment unblock ${id}`,
    },
    OPERATOR,
  );
}

function toldOf({ deployment }: Situation, { name, state }: GroupFacts) {
  return {
    subject: subjectOf.deployment(deployment),
    since: deployment.modifyTime,
    wakesAt: lateAt(state) > 0 ? lateAt(state) : null,
    evidence: {
      group: name,
      desired: String(state.desiredTotal),
      placed: String(state.placedAllocs),
      healthy: String(state.healthyAllocs),
      unhealthy: String(state.unhealthyAllocs),
    },
  };
}

/** Wanted, and not decided; or failed and not replaced yet. */
function isUndecided(alloc: Allocation): boolean {
  if (isServerTerminal(alloc)) return false;
  if (isUnattended(alloc) || alloc.desiredTransition.reschedule === true) return true;
  return (alloc.deploymentStatus?.healthy ?? null) === null && alloc.nextAllocation === "";
}

function progressOf({ isCanaryPhase, healthyCanaries, state }: GroupFacts): string {
  return isCanaryPhase
    ? `${healthyCanaries} of ${state.desiredCanaries} canaries healthy`
    : `${state.healthyAllocs} of ${state.desiredTotal} healthy`;
}

function title({ name }: GroupFacts): string {
  return `group "${name}"`;
}

function count(allocs: readonly Allocation[]): string {
  return allocs.length === 1 ? "1 allocation" : `${allocs.length} allocations`;
}

function jobRefOf(deployment: Deployment) {
  return { namespace: deployment.namespace, id: deployment.jobId };
}

function jobOf(deployment: Deployment) {
  return subjectOf.job(jobRefOf(deployment));
}
