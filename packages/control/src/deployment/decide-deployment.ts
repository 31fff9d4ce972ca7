/**
 * The next step of one deployment, from one snapshot: go on, promote, fail, or wait and why. Rules
 * D1-D10 and R1-R5 are in SPEC.md beside this file.
 */
import {
  type Allocation,
  DeploymentStatus,
  isDeploymentActive,
  lateAt,
  type StateReader,
} from "@drover/model";
import type { DeploymentDecision } from "../contracts.ts";
import {
  evaluatedIndex,
  groupFacts,
  hasFailed,
  isUnattended,
  isUnhealthy,
  newsIndex,
  nextDeadline,
  starvedGroups,
} from "./deployment-facts.ts";
import { isReplaceable } from "./replaceable.ts";
import { rollbackTarget } from "./rollback.ts";
import {
  completes,
  type Situation,
  superseded,
  whyBlocked,
  whyOpen,
  whyStanding,
} from "./why-waits.ts";

const UNHEALTHY = "Failed due to unhealthy allocations";
const TOO_LATE = "Failed due to progress deadline";

/** Nothing new is placed meanwhile, so no clock runs. */
const STANDING: ReadonlySet<string> = new Set([
  DeploymentStatus.paused,
  DeploymentStatus.pending,
  DeploymentStatus.initializing,
]);

export function decideDeployment(
  input: { readonly deploymentId: string; readonly now: number },
  state: StateReader,
): DeploymentDecision {
  const deployment = state.deployment(input.deploymentId);
  if (deployment === undefined || !isDeploymentActive(deployment)) {
    return { kind: "ended" };
  }
  const job = state.job({ namespace: deployment.namespace, id: deployment.jobId });
  const isCurrent =
    job !== undefined &&
    !job.stop &&
    job.createIndex === deployment.jobCreateIndex &&
    job.version === deployment.jobVersion;
  if (!isCurrent) {
    return { kind: "wait", reasons: [superseded(deployment)], wakeAt: null };
  }
  const allocs = state.allocsByDeployment(deployment.id);
  const groups = groupFacts(deployment, allocs, starvedGroups(state, deployment));
  const isPaused = STANDING.has(deployment.status);
  const wakeAt = isPaused ? null : nextDeadline(groups);
  const situation = { deployment, allocs, groups, state, now: input.now, isPaused, wakeAt };
  return (
    failForAllocs(situation) ??
    failForDeadline(situation) ??
    promote(situation) ??
    goOn(situation) ??
    waitFor(situation)
  );
}

/** D3, D4, D5 */
function failForAllocs(situation: Situation): DeploymentDecision | undefined {
  const culprits = situation.allocs.filter((alloc) => isFatal(situation, alloc));
  if (culprits.length === 0) return undefined;
  return fail(situation, UNHEALTHY, new Set(culprits.map((alloc) => alloc.taskGroup)));
}

function isFatal({ deployment, state }: Situation, alloc: Allocation): boolean {
  const group = deployment.taskGroups[alloc.taskGroup];
  if (group === undefined) return false;
  if (alloc.unretryableError !== "") return true;
  if ((isUnhealthy(alloc) || hasFailed(alloc)) && group.progressDeadline === 0) return true;
  const isCaredFor = alloc.nextAllocation !== "" || alloc.desiredTransition.reschedule === true;
  if (isCaredFor || !(isUnhealthy(alloc) || isUnattended(alloc))) return false;
  return !isReplaceable(state, alloc);
}

/** D6 */
function failForDeadline(situation: Situation): DeploymentDecision | undefined {
  if (situation.isPaused) return undefined;
  const late = situation.groups.filter(
    ({ isDone, isAwaitingPromotion, state }) =>
      !isDone && !isAwaitingPromotion && lateAt(state) > 0 && situation.now >= lateAt(state),
  );
  if (late.length === 0) return undefined;
  return fail(situation, TOO_LATE, new Set(late.map((group) => group.name)));
}

function fail(
  { deployment, state }: Situation,
  description: string,
  causingGroups: ReadonlySet<string>,
): DeploymentDecision {
  const wanted = [...causingGroups].some((name) => deployment.taskGroups[name]?.autoRevert);
  const rollback = rollbackTarget(state, deployment, wanted);
  return {
    kind: "fail",
    statusDescription: `${description}${rollback.suffix}`,
    revertTo: rollback.version,
  };
}

/** D7: all groups with canaries at once, or none. */
function promote({ groups, isPaused }: Situation): DeploymentDecision | undefined {
  if (isPaused) return undefined;
  const withCanaries = groups.filter((group) => group.state.desiredCanaries > 0);
  const open = withCanaries.filter((group) => group.isCanaryPhase);
  if (open.length === 0) return undefined;
  const isReady = withCanaries.every(
    ({ state, isAwaitingPromotion }) =>
      state.autoPromote &&
      (state.promoted ||
        (isAwaitingPromotion && state.placedCanaries.length >= state.desiredCanaries)),
  );
  return isReady ? { kind: "promote", groups: open.map((group) => group.name) } : undefined;
}

/** D8, D9 */
function goOn(situation: Situation): DeploymentDecision | undefined {
  const { allocs, deployment, state, now, wakeAt } = situation;
  const reschedule = allocs
    .filter((alloc) => isUnattended(alloc) && isReplaceable(state, alloc))
    .map((alloc) => alloc.id);
  if (reschedule.length > 0) return { kind: "continue", reschedule, wakeAt };
  const seen = evaluatedIndex(state, deployment, now);
  const { groups, isPaused } = situation;
  // The total of a system job's group follows its nodes.
  const isDone =
    !isPaused && groups.every((group) => group.isDone) && deployment.modifyIndex > seen;
  const hasNews = isDone || allocs.some((alloc) => newsIndex(alloc) > seen);
  return hasNews ? { kind: "continue", reschedule, wakeAt } : undefined;
}

/** D10: the groups that are not done say what each waits for. */
function waitFor(situation: Situation): DeploymentDecision {
  const { deployment, wakeAt } = situation;
  const standing = whyStanding(deployment);
  if (standing) return { kind: "wait", reasons: [standing], wakeAt: null };
  const [first, ...others] = [
    whyBlocked(deployment) ?? [],
    ...situation.groups.map((group) => (group.isDone ? [] : whyOpen(situation, group))),
  ].flat();
  return { kind: "wait", reasons: [first ?? completes(situation), ...others], wakeAt };
}
