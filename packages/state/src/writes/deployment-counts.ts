/**
 * What the allocations of a deployment say about it (DESIGN §6, §12.1). Each allocation contributes
 * to its group: placed once, healthy while it is live and judged healthy, unhealthy once judged so.
 * A write of an allocation moves the group by the difference of what it contributed before and
 * after, so the three counts always equal a fresh count over the allocations. A deployment that
 * has ended keeps the counts it ended with.
 */
import { nanosToMs } from "@drover/base";
import {
  type Allocation,
  type Deployment,
  type DeploymentState,
  isDeploymentActive,
  isTerminal,
} from "@drover/model";
import type { Tx } from "../store/tx.ts";

interface Contribution {
  readonly placed: number;
  readonly healthy: number;
  readonly unhealthy: number;
}

export function contributionOf(alloc: Allocation | undefined): Contribution {
  if (alloc === undefined) return { placed: 0, healthy: 0, unhealthy: 0 };
  const verdict = alloc.deploymentStatus?.healthy ?? null;
  return {
    placed: 1,
    healthy: verdict === true && !isTerminal(alloc) ? 1 : 0,
    unhealthy: verdict === false ? 1 : 0,
  };
}

/** Called for every write of an allocation; `undefined` = there was, or is, none. */
export function countForDeployment(
  tx: Tx,
  before: Allocation | undefined,
  after: Allocation | undefined,
): void {
  if (before !== undefined && before.deploymentId !== after?.deploymentId) {
    move(tx, { alloc: before, was: before, is: undefined });
  }
  if (after === undefined) return;
  const was = before?.deploymentId === after.deploymentId ? before : undefined;
  move(tx, { alloc: after, was, is: after });
}

function move(
  tx: Tx,
  input: {
    readonly alloc: Allocation;
    readonly was: Allocation | undefined;
    readonly is: Allocation | undefined;
  },
): void {
  const deployment = tx.read.deployment(input.alloc.deploymentId);
  const group = deployment?.taskGroups[input.alloc.taskGroup];
  if (deployment === undefined || group === undefined) return;
  if (!isDeploymentActive(deployment)) return;
  const next = nextGroup(group, input, tx.now);
  if (next === group) return;
  const updated: Deployment = {
    ...deployment,
    taskGroups: { ...deployment.taskGroups, [input.alloc.taskGroup]: next },
    modifyIndex: tx.index,
    modifyTime: tx.now,
  };
  tx.put("deployments", deployment.id, updated);
}

function nextGroup(
  group: DeploymentState,
  input: { readonly was: Allocation | undefined; readonly is: Allocation | undefined },
  now: number,
): DeploymentState {
  const was = contributionOf(input.was);
  const is = contributionOf(input.is);
  let next = group;
  if (was.placed !== is.placed || was.healthy !== is.healthy || was.unhealthy !== is.unhealthy) {
    next = {
      ...next,
      placedAllocs: group.placedAllocs + is.placed - was.placed,
      healthyAllocs: group.healthyAllocs + is.healthy - was.healthy,
      unhealthyAllocs: group.unhealthyAllocs + is.unhealthy - was.unhealthy,
    };
  }
  const alloc = input.is;
  if (alloc === undefined) return next;
  if (alloc.deploymentStatus?.canary && !next.placedCanaries.includes(alloc.id)) {
    next = { ...next, placedCanaries: [...next.placedCanaries, alloc.id] };
  }
  return is.healthy > was.healthy ? extendDeadline(next, alloc.name, now) : next;
}

/**
 * Each name extends the deadline once, and no more names than the group wants: a flapping
 * allocation gains nothing, and the deployment ends within (desired + 1) × progress_deadline.
 */
function extendDeadline(group: DeploymentState, name: string, now: number): DeploymentState {
  if (group.progressDeadline === 0 || group.extendedNames.includes(name)) return group;
  if (group.extendedNames.length >= Math.max(group.desiredTotal, group.desiredCanaries)) {
    return group;
  }
  return {
    ...group,
    extendedNames: [...group.extendedNames, name],
    requireProgressBy: Math.max(group.requireProgressBy, now + nanosToMs(group.progressDeadline)),
  };
}
