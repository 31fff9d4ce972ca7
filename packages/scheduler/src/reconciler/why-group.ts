/** Why a pass leaves something of a group undone, and what that waits for (DESIGN §12.6). */
import {
  type Allocation,
  CAPACITY,
  type JobRef,
  LEADER,
  OPERATOR,
  type Reason,
  Rule,
  type Subject,
  subjectOf,
  type TaskGroup,
  waitsFor,
  waitsUntil,
} from "@drover/model";
import type { Triage } from "./deployment-step.ts";
import type { Due } from "./followups.ts";
import { isUndecided, type LimitInput } from "./limit.ts";
import type { Outcome } from "./open.ts";

/** What keeps an allocation from being replaced or placed in this pass. */
export const HeldBy = {
  /** Paused or failed. */
  deployment: "deployment",
  canaries: "canaries",
  /** More canaries than the group's count are placed one count after the other. */
  otherCanaries: "otherCanaries",
  /** `max_parallel` undecided ones. */
  limit: "limit",
  /** Serving ones may not fall below `count - max_parallel`. */
  floor: "floor",
  /** `max_surge` stand beside those they replace, or are not healthy yet. */
  surge: "surge",
} as const;
export type HeldBy = (typeof HeldBy)[keyof typeof HeldBy];

export interface HoldFacts {
  readonly ref: JobRef;
  readonly group: TaskGroup;
  readonly triage: Triage;
  readonly limit: Pick<LimitInput, "deployment" | "untainted" | "group">;
  /** Proven ones. */
  readonly serving: number;
  /** Those of the count that are not. */
  readonly idle: readonly Allocation[];
}

type Tell = (facts: HoldFacts, count: number) => Reason;

/** One for each cause: a cause without a reason does not compile. */
const TELL: Readonly<Record<HeldBy, Tell>> = {
  deployment: (facts, count) =>
    waitsFor(
      {
        ...toldOf(facts, count),
        rule: Rule.groupHeldByDeployment,
        text: `${count} to place or replace, held back: ${conditionOf(facts.triage)}`,
        ...(facts.triage.isFailed ? { hint: `submit another version of "${facts.ref.id}"` } : {}),
      },
      // One that has ended brings nothing any more.
      facts.triage.isFailed ? OPERATOR : (deploymentOf(facts) ?? OPERATOR),
    ),
  canaries: (facts, count) =>
    waitsFor(
      {
        ...toldOf(facts, count),
        rule: Rule.groupAwaitsCanaries,
        text: `${count} to replace once the canaries are promoted`,
      },
      deploymentOf(facts) ?? OPERATOR,
    ),
  otherCanaries: (facts, count) =>
    waitsFor(
      {
        ...toldOf(facts, count),
        rule: Rule.groupAwaitsCanaries,
        text: `${count} more canaries to place after those that go first`,
      },
      deploymentOf(facts) ?? LEADER,
    ),
  limit: (facts, count) => {
    const open = facts.limit.untainted.filter((each) => isUndecided(each, facts.limit.deployment));
    const [first = deploymentOf(facts) ?? OPERATOR, ...others] = open.map(subjectOf.allocation);
    const max = facts.group.update?.maxParallel ?? 0;
    const users = open.length > 0 ? `${open.length} not healthy yet` : "what is to start first";
    const text = `${count} to replace; max_parallel = ${max} is used up by ${users}`;
    const told = { ...toldOf(facts, count), rule: Rule.groupRollingLimit, text };
    return waitsFor(told, first, ...others);
  },
  floor: (facts, count) => {
    const [first = CAPACITY, ...others] = facts.idle.map(subjectOf.allocation);
    const { count: wanted, update } = facts.group;
    const floor = wanted - (update?.maxParallel ?? 0);
    const text = `${count} to replace; ${facts.serving} serve, and ${floor} must go on serving`;
    const told = { ...toldOf(facts, count), rule: Rule.groupServingFloor, text };
    return waitsFor(told, first, ...others);
  },
  surge: (facts, count) => {
    const open = facts.limit.untainted.filter((each) => isUndecided(each, facts.limit.deployment));
    const [first = deploymentOf(facts) ?? OPERATOR, ...others] = open.map(subjectOf.allocation);
    const max = facts.group.update?.maxSurge ?? 0;
    const text = `${count} to replace; max_surge = ${max} is used up by ${open.length} not healthy yet`;
    const told = { ...toldOf(facts, count), rule: Rule.groupSurgeLimit, text };
    return waitsFor(told, first, ...others);
  },
};

/** X6: told to leave its node, it waits until fewer stand beside those they replace. */
export function awaitsSurge(ref: JobRef, group: TaskGroup, alloc: Allocation): Reason {
  const max = group.update?.maxSurge ?? 0;
  return waitsFor(
    {
      ...toldOfAlloc(alloc),
      rule: Rule.groupSurgeLimit,
      text: `it must leave its node; max_surge = ${max} replacements run beside theirs already`,
    },
    subjectOf.group(ref, group.name),
  );
}

/** X3: no room beside it, and L2 does not let it stop first. */
export function noRoomBeside(group: TaskGroup, old: Allocation): Reason {
  return waitsFor(
    {
      ...toldOfAlloc(old),
      rule: Rule.groupSurgeLimit,
      text: "there is no room for a new one beside it, and too few others serve to stop it first",
      hint: `add or free a node for another one of group "${group.name}"`,
    },
    CAPACITY,
  );
}

/** Counts what is held back, by its cause; what has a reason of its own is told with it. */
export class Holds {
  readonly #counts = new Map<HeldBy, number>();
  readonly #own = new Set<Reason>();

  note(outcome: Outcome): void {
    if (typeof outcome === "string") this.#counts.set(outcome, this.#countOf(outcome) + 1);
    else if ("rule" in outcome) this.#own.add(outcome);
  }

  reasons(facts: HoldFacts): Reason[] {
    return [...[...this.#counts].map(([by, count]) => TELL[by](facts, count)), ...this.#own];
  }

  #countOf(by: HeldBy): number {
    return this.#counts.get(by) ?? 0;
  }
}

function toldOf({ group, ref, serving }: HoldFacts, count: number) {
  return {
    subject: subjectOf.group(ref, group.name),
    evidence: {
      waiting: String(count),
      count: String(group.count),
      serving: String(serving),
      maxParallel: String(group.update?.maxParallel ?? 0),
    },
  };
}

function deploymentOf({ ref, triage }: HoldFacts): Subject | null {
  const { current } = triage;
  return current && subjectOf.deployment({ id: current.id, namespace: ref.namespace });
}

function conditionOf({ current, isPaused }: Triage): string {
  if (isPaused) return `the deployment is ${current?.status ?? "paused"}`;
  return `the deployment has ${current?.status ?? "failed"}`;
}

/** G9: clients that are out of reach stop their allocations by themselves after a while. */
export function awaitsClientStop(ref: JobRef, group: TaskGroup, waits: readonly Due[]): Reason {
  return waitsUntil(Math.max(...waits.map(({ at }) => at)), {
    rule: Rule.groupAwaitsClientStop,
    subject: subjectOf.group(ref, group.name),
    text: `nothing is placed until unreachable nodes have surely stopped ${waits.length} of it`,
    evidence: { allocations: waits.map(({ allocId }) => allocId).join(", ") },
  });
}

/** P4, X4: a pair of which the new one may not take the other's place yet. */
export const whyPairWaits = {
  images: (next: Allocation): Reason =>
    waitsFor(
      {
        ...toldOfAlloc(next),
        rule: Rule.allocPreparesImages,
        text: "its node fetches what it needs; the one it replaces runs on",
      },
      subjectOf.node(next.nodeId),
    ),
  health: (next: Allocation): Reason =>
    waitsFor(
      {
        ...toldOfAlloc(next),
        rule: Rule.allocAwaitsVerdict,
        text: "it runs beside the one that it replaces, which goes once it is healthy",
      },
      subjectOf.node(next.nodeId),
    ),
} as const;

/** R4 to R8, Y5, Y6: a failed allocation that is not replaced now. */
export const whyNotReplaced = {
  awaitsDeployment: (alloc: Allocation): Reason =>
    waitsFor(
      {
        ...toldOfAlloc(alloc),
        rule: Rule.allocAwaitsDeployment,
        text: "it failed: its deployment decides whether it is replaced",
      },
      subjectOf.deployment({ id: alloc.deploymentId, namespace: alloc.namespace }),
    ),
  versionFailed: (alloc: Allocation): Reason =>
    waitsFor(
      {
        ...toldOfAlloc(alloc),
        rule: Rule.allocVersionFailed,
        text: `its version cannot run, so it is not tried again: ${alloc.unretryableError}`,
        hint: `submit a corrected version of job "${alloc.jobId}"`,
      },
      OPERATOR,
    ),
  barred: (alloc: Allocation, why: string): Reason =>
    waitsFor(
      {
        ...toldOfAlloc(alloc),
        rule: Rule.allocNodeBarred,
        text: `its node cannot run the new version, so the old one stays: ${why}`,
        evidence: { node: alloc.nodeName },
        hint: `drover node status -verbose ${alloc.nodeId}`,
      },
      subjectOf.node(alloc.nodeId),
    ),
  frozen: (alloc: Allocation): Reason =>
    waitsFor(
      {
        ...toldOfAlloc(alloc),
        rule: Rule.allocFrozen,
        text: "it ended, and the failed deployment that it belongs to starts nothing more",
        hint: `submit another version of job "${alloc.jobId}"`,
      },
      OPERATOR,
    ),
  exhausted: (alloc: Allocation): Reason =>
    waitsFor(
      {
        ...toldOfAlloc(alloc),
        rule: Rule.allocRescheduleExhausted,
        text: "it failed, and its group's reschedule policy allows no further attempt",
        evidence: { attempts: String(alloc.rescheduleTracker?.events.length ?? 0) },
        hint: `drover job eval -force-reschedule ${alloc.jobId}`,
      },
      OPERATOR,
    ),
  notRepeated: (alloc: Allocation): Reason =>
    waitsFor(
      {
        ...toldOfAlloc(alloc),
        rule: Rule.allocRescheduleExhausted,
        text: "it failed, and runs of sysbatch jobs are not repeated",
        hint: `submit another version of job "${alloc.jobId}"`,
      },
      OPERATOR,
    ),
  delayed: (alloc: Allocation, at: number): Reason =>
    waitsUntil(at, {
      ...toldOfAlloc(alloc),
      rule: Rule.allocRescheduleDelay,
      text: "it failed and is replaced after its reschedule delay",
      evidence: { "replaced before": times(alloc.rescheduleTracker?.events.length ?? 0) },
      hint: `why it failed: drover alloc status ${alloc.id}`,
    }),
} as const;

function times(count: number): string {
  return count === 1 ? "1 time" : `${count} times`;
}

function toldOfAlloc(alloc: Allocation) {
  return { subject: subjectOf.allocation(alloc), since: alloc.modifyTime || null };
}
