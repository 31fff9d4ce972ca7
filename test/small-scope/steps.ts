/**
 * Everything that can happen next in a world. Decisions are those of production; clients do what
 * they were told, each thing at any moment.
 */
import { decideDeployment, decideDrain, decideMissed } from "@drover/control";
import { EvalStatus, NodeStatus } from "@drover/model";
import { clients, stops } from "./client-steps.ts";
import { leader } from "./leader-steps.ts";
import { faults, operations, possibleFaults, returns } from "./outside-steps.ts";
import { JOB } from "./scope.ts";
import type { World } from "./world.ts";

export interface Step {
  readonly label: string;
  readonly take: () => World;
}

/** What happens unless something else comes first; none = the world has come to rest. */
export function ownSteps(world: World): Step[] {
  const [first] = early(world);
  if (first !== undefined) return [first];
  const steps = [...leader(world), ...clients(world)];
  return steps.length > 0 ? steps : time(world);
}

/** Neither leader nor clients are about to do anything. */
function isIdle(world: World): boolean {
  return clients(world).length === 0 && leader(world).length === 0;
}

/** What may come in between, or never. */
export function otherSteps(world: World): Step[] {
  if (early(world).length > 0) return [];
  return [
    ...operations(world),
    ...returns(world),
    ...faults(world, () => (isIdle(world) ? [] : time(world))),
  ];
}

/**
 * That one has stopped that was told to is seen by those who give its node up, by a drain that
 * waits for it and by an evaluation that waits for room. Where none of these can come any more, it
 * only leaves its node emptier for what is placed next: then it comes before everything else.
 */
function early(world: World): Step[] {
  const { scope, state } = world;
  const mayBeSeen =
    scope.stopsEarly !== true ||
    possibleFaults(world).includes("nodeDown") ||
    scope.script.some(({ kind }) => kind === "drain") ||
    [...state.nodes()].some(({ status }) => status === NodeStatus.disconnected) ||
    state.evalsByJob(JOB).some(({ status }) => status === EvalStatus.blocked);
  return mayBeSeen ? [] : stops(world);
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
