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
  allocIndex,
  type Deployment,
  type DeploymentState,
  isDeploymentActive,
  isTerminal,
  JobType,
} from "@drover/model";
import { below, scopedKey } from "../store/keys.ts";
import type { Tx } from "../store/tx.ts";
import { clockNow, moveClock, settleClock, standClock } from "./deployment-clock.ts";

interface Contribution {
  readonly placed: number;
  readonly healthy: number;
  readonly unhealthy: number;
  /** Undecided, and its client cannot see why. */
  readonly unseen: number;
}

export function contributionOf(alloc: Allocation | undefined): Contribution {
  if (alloc === undefined) return { placed: 0, healthy: 0, unhealthy: 0, unseen: 0 };
  const verdict = alloc.deploymentStatus?.healthy ?? null;
  return {
    placed: 1,
    healthy: verdict === true && !isTerminal(alloc) ? 1 : 0,
    unhealthy: verdict === false ? 1 : 0,
    unseen: verdict === null && alloc.unseen === true && !isTerminal(alloc) ? 1 : 0,
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
  const counted = nextGroup(tx, group, { ...input, deployment });
  const moved = moveClock(tx, counted, { ...input, deployment });
  const next = standClock(tx, moved, deployment);
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
  tx: Tx,
  group: DeploymentState,
  input: {
    readonly deployment: Deployment;
    readonly was: Allocation | undefined;
    readonly is: Allocation | undefined;
  },
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
  if (was.unseen !== is.unseen) {
    next = { ...next, unseenAllocs: (group.unseenAllocs ?? 0) + is.unseen - was.unseen };
  }
  const alloc = input.is;
  if (alloc === undefined) return next;
  if (alloc.deploymentStatus?.canary && !next.placedCanaries.includes(alloc.id)) {
    next = { ...next, placedCanaries: [...next.placedCanaries, alloc.id] };
  }
  return is.healthy > was.healthy ? extendDeadline(tx, next, { ...input, alloc }) : next;
}

/**
 * Each name extends the deadline once, by its length at most, and no more of them than the group
 * wants: a flapping allocation gains nothing, and the deployment ends within (desired + 1) ×
 * progress_deadline. The allocations of a system job share one name: there each node counts.
 */
function extendDeadline(
  tx: Tx,
  before: DeploymentState,
  { alloc, deployment }: { readonly alloc: Allocation; readonly deployment: Deployment },
): DeploymentState {
  // What stood until now is settled first: it must not be added to the new deadline.
  const group = settleClock(tx, before, deployment);
  const wanted = Math.max(group.desiredTotal, group.desiredCanaries);
  if (group.progressDeadline === 0 || allocIndex(alloc.name) >= wanted) return group;
  const isSystem = tx.v >= 2 && tx.read.allocJob(alloc)?.type === JobType.system;
  const slot = isSystem ? `${alloc.name}@${alloc.nodeId}` : alloc.name;
  const prefix = below(alloc.deploymentId);
  const key = `${prefix}${scopedKey(alloc.taskGroup, slot)}`;
  if (tx.get("deadlineExtensions", key) !== undefined) return group;
  const ofGroup = `${prefix}${scopedKey(alloc.taskGroup, alloc.name)}@`;
  if (isSystem && tx.keys("deadlineExtensions", ofGroup).length >= wanted) return group;
  tx.put("deadlineExtensions", key, true);
  const now = clockNow(tx, deployment);
  const by = group.requireProgressBy;
  // What is told after the deadline has passed, and before anybody has looked, extends that one.
  const from = tx.v < 4 || by === 0 ? now : Math.min(now, by);
  const extended = from + nanosToMs(group.progressDeadline);
  return { ...group, requireProgressBy: Math.max(by, extended) };
}
