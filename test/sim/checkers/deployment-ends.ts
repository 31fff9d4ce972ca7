/**
 * I4, DESIGN §12.1: a group's deadline is at most (desired + 1) × progress_deadline from its start,
 * the time left out in which its clock stands still (there may be more canaries than are desired in
 * the end, each with a name of its own); and once everything is healed, a deployment that is past
 * its deadline, or done, ends within seconds. Together: T_max.
 */
import { nanosToMs } from "@drover/base";
import { type Deployment, type DeploymentState, isDeploymentActive } from "@drover/model";
import type { StateSnapshot } from "@drover/state";
import { type AppliedEntry, type ClusterChecker, expect } from "./checker.ts";

/** What a leader may take to act: an election, an evaluation, a plan refused once. */
const REACTION_MS = 20_000;
const ROUNDING_MS = 10;

/** Per deployment and group, in replicated time. */
interface Clock {
  readonly startedAt: number;
  stoodStillMs: number;
  /** The most that it has ever desired: of a system job, with nodes that have left since. */
  desired: number;
}

export class DeploymentEnds implements ClusterChecker {
  readonly name = "deployments end (I4)";
  readonly #clocks = new Map<string, Clock>();
  /** Deployment → when it was first seen with nothing left to do. */
  readonly #doneSince = new Map<string, number>();

  applied({ before, after }: AppliedEntry): void {
    const passedMs = after.clock - before.clock;
    for (const deployment of after.deployments()) {
      if (!isDeploymentActive(deployment)) continue;
      const earlier = before.deployment(deployment.id);
      for (const [name, group] of Object.entries(deployment.taskGroups)) {
        const key = `${deployment.id} ${name}`;
        const fresh = { startedAt: after.clock, stoodStillMs: 0, desired: 0 };
        const clock = this.#clocks.get(key) ?? fresh;
        clock.desired = Math.max(clock.desired, group.desiredTotal, group.desiredCanaries);
        this.#clocks.set(key, clock);
        const was = earlier?.taskGroups[name];
        if (earlier !== undefined && was !== undefined && standsStill(earlier, was)) {
          clock.stoodStillMs += passedMs;
        }
        if (!isBack(after, deployment))
          this.#checkDeadline(`${deployment.jobId} ${key}`, group, clock);
      }
    }
  }

  /** Healed: `now` is the leader's clock. */
  looked(state: StateSnapshot, now: number): void {
    for (const deployment of state.deployments()) {
      if (deployment.status !== "running") continue;
      const groups = Object.values(deployment.taskGroups);
      const late = groups.find((group) => {
        const { requireProgressBy: by } = group;
        return by > 0 && now > by + REACTION_MS && !isDone(group) && !awaitsPromotion(group);
      });
      const label = `deployment ${deployment.id.slice(0, 8)} of ${deployment.jobId}`;
      expect(late === undefined, this, () => {
        return `${label} is ${now - (late?.requireProgressBy ?? 0)} ms past its deadline`;
      });
      if (!groups.every(isDone) || waitsForRoom(state, deployment)) {
        this.#doneSince.delete(deployment.id);
        continue;
      }
      const since = this.#doneSince.get(deployment.id) ?? now;
      this.#doneSince.set(deployment.id, since);
      expect(now <= since + REACTION_MS, this, () => `${label} is done and goes on`);
    }
  }

  #checkDeadline(label: string, group: DeploymentState, clock: Clock): void {
    if (group.requireProgressBy === 0) return;
    const lengthMs = nanosToMs(group.progressDeadline);
    // While health could not be seen, at most its own length in all (state, D4).
    const most = (clock.desired + 1) * lengthMs + Math.min(group.unseenMs, lengthMs);
    const over = group.requireProgressBy - clock.startedAt - clock.stoodStillMs - most;
    expect(over <= ROUNDING_MS, this, () => `${label}: its deadline is ${over} ms over T_max`);
  }
}

/** Paused, or everything there is waits for a human's promotion. */
function standsStill(deployment: Deployment, group: DeploymentState): boolean {
  return deployment.status === "paused" || awaitsPromotion(group);
}

function awaitsPromotion(group: DeploymentState): boolean {
  const isCanaryPhase = group.desiredCanaries > 0 && !group.promoted;
  return isCanaryPhase && group.healthyAllocs >= group.desiredCanaries;
}

/** Of a system job that has found no node: it ends at its deadline. */
function waitsForRoom(state: StateSnapshot, { namespace, jobId: id }: Deployment): boolean {
  return state.evalsByJob({ namespace, id }).some(({ status }) => status === "blocked");
}

function isDone(group: DeploymentState): boolean {
  // Once they are promoted, canaries that are more than the group wants go.
  const isCanaryPhase = group.desiredCanaries > 0 && !group.promoted;
  return !isCanaryPhase && group.healthyAllocs >= group.desiredTotal;
}

/** A version that has succeeded before waits for capacity as long as it takes. */
function isBack(state: StateSnapshot, deployment: Deployment): boolean {
  const { namespace, jobId: id, jobVersion, jobCreateIndex } = deployment;
  return state.deploymentsByJob({ namespace, id }).some((other) => {
    const same = other.jobVersion === jobVersion && other.jobCreateIndex === jobCreateIndex;
    return same && other.status === "successful";
  });
}
