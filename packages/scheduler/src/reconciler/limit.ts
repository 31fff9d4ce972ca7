/**
 * The rolling limit (DESIGN §7, in place of spec §3.7.1): at most `max_parallel` undecided
 * allocations of the new version, and no serving one is stopped below `count - max_parallel`.
 */
import {
  type Allocation,
  type Deployment,
  isCarriedInto,
  isServerTerminal,
  maxSurgeOf,
  Serving,
  type TaskGroup,
  type UpdateStrategy,
} from "@drover/model";
import { isPreparing } from "../prepared.ts";

/** No update strategy: no deployment, no limit, no health (spec §3.11). */
export function hasUpdateStrategy(
  group: TaskGroup,
): group is TaskGroup & { update: UpdateStrategy } {
  return group.update !== null && group.update.maxParallel > 0;
}

export interface LimitInput {
  readonly group: TaskGroup;
  readonly isBlocked: boolean;
  readonly deployment: Deployment | null;
  /** Everything that keeps its slot, canaries and prepared ones included. */
  readonly untainted: readonly Allocation[];
  /** Allocations that this plan starts at the new version anyway. */
  readonly starting: number;
}

/** How many more allocations of the new version may become undecided. */
export function undecidedBudget(input: LimitInput): number {
  const { deployment, group, starting, untainted } = input;
  if (!hasUpdateStrategy(group)) return Number.POSITIVE_INFINITY;
  if (isClosed(input)) return 0;
  let budget = group.update.maxParallel - starting;
  for (const alloc of untainted) if (isUndecided(alloc, deployment)) budget--;
  return Math.max(0, budget);
}

/**
 * How many pairs may start. Each has a place of its own, unless what had to be replaced meanwhile
 * took it; and one that is unhealthy closes the limit to them, too.
 */
export function startBudget(input: LimitInput): number {
  return undecidedBudget({
    ...input,
    untainted: input.untainted.filter((each) => !isPreparing(each)),
  });
}

/**
 * X2: how many serving ones may be replaced with `max_surge`, of `budget` that L1 allows. `beside`:
 * pairs of which both run already.
 */
export function surgeBudget(group: TaskGroup, budget: number, beside: number): number {
  const maxSurge = maxSurgeOf(group);
  if (!hasUpdateStrategy(group) || maxSurge === 0) return budget;
  const { maxParallel } = group.update;
  return Math.max(0, Math.min(budget, budget - (maxParallel - maxSurge), maxSurge - beside));
}

/** Nothing new may start: the deployment waits, or one of its allocations is unhealthy. */
export function isClosed({
  deployment,
  isBlocked,
  untainted,
}: Pick<LimitInput, "deployment" | "isBlocked" | "untainted">): boolean {
  if (isBlocked) return true;
  return untainted.some(
    (each) => isUndecided(each, deployment) && each.deploymentStatus?.healthy === false,
  );
}

/** Of this deployment, and not healthy yet: it uses the limit up. */
export function isUndecided(alloc: Allocation, deployment: Deployment | null): boolean {
  if (deployment === null || alloc.deploymentId !== deployment.id) return false;
  const healthy = alloc.deploymentStatus?.healthy ?? null;
  if (healthy === false) return !isServerTerminal(alloc);
  return healthy === null && !isCarriedInto(alloc, deployment);
}

/** Who goes first: what does not serve, then what is out of reach, then what is not proven (L3). */
export const RANK: Readonly<Record<Serving, number>> = { no: 0, unseen: 1, unproven: 2, yes: 3 };

/**
 * How many of those that serve may still be stopped (L2). What is proven stays at or above the
 * floor by itself; with what may serve as well, the group does. Nobody counts on one that is out
 * of reach, and yet it goes only while the others are enough. Stopping one that does not serve is
 * free.
 */
export class ServingBudget {
  readonly #floor: number;
  #proven: number;
  #all: number;

  constructor(group: TaskGroup, serving: readonly Serving[]) {
    this.#floor = hasUpdateStrategy(group)
      ? group.count - group.update.maxParallel
      : Number.NEGATIVE_INFINITY;
    this.#proven = serving.filter((each) => each === Serving.yes).length;
    this.#all = serving.filter(isThere).length;
  }

  /** Proven ones, those that were taken left out. */
  get serving(): number {
    return this.#proven;
  }

  allows(one: Serving): boolean {
    if (one === Serving.no) return true;
    if (one === Serving.unseen) return this.#proven >= this.#floor;
    if (one === Serving.unproven) return this.#all > this.#floor;
    return this.#proven > this.#floor;
  }

  take(one: Serving): void {
    if (isThere(one)) this.#all--;
    if (one === Serving.yes) this.#proven--;
  }
}

function isThere(one: Serving): boolean {
  return one === Serving.yes || one === Serving.unproven;
}
