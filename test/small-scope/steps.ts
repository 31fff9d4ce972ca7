/**
 * Everything that can happen next in a world. Decisions are those of production; clients do what
 * they were told, each thing at any moment.
 */
import { decideDeployment, decideDrain, decideMissed } from "@drover/control";
import { EvalStatus, NodeStatus } from "@drover/model";
import { clients } from "./client-steps.ts";
import { leader } from "./leader-steps.ts";
import { faults, operations, returns } from "./outside-steps.ts";
import { JOB } from "./scope.ts";
import type { World } from "./world.ts";

export interface Step {
  readonly label: string;
  readonly take: () => World;
}

/** What happens unless something else comes first; none = the world has come to rest. */
export function ownSteps(world: World): Step[] {
  const steps = [...leader(world), ...clients(world)];
  return steps.length > 0 ? steps : time(world);
}

/** What may come in between, or never. */
export function otherSteps(world: World): Step[] {
  return [
    ...operations(world),
    ...returns(world),
    ...faults(world, () => (clients(world).length > 0 ? time(world) : [])),
  ];
}

/** The earliest instant at which a loop wants to look again. */
function time(world: World): Step[] {
  const { now, state } = world;
  const instants: (number | null)[] = state
    .evalsByJob(JOB)
    .map((each) => (each.status === EvalStatus.pending ? each.waitUntil : null));
  for (const { id } of state.deploymentsByJob(JOB)) {
    const decision = decideDeployment({ deploymentId: id, now }, state);
    if ("wakeAt" in decision) instants.push(decision.wakeAt);
  }
  for (const { id, status } of state.nodes()) {
    const decision = decideDrain({ nodeId: id, now }, state);
    if ("wakeAt" in decision) instants.push(decision.wakeAt);
    if (status !== NodeStatus.disconnected) continue;
    instants.push(decideMissed({ nodeId: id, now }, state).recheckAt);
  }
  const ahead = instants.filter((at) => at !== null).filter((at) => at > now);
  if (ahead.length === 0) return [];
  const next = Math.min(...ahead);
  return [{ label: `${next - now} ms pass`, take: () => world.with({ now: next }) }];
}
