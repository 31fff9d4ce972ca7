/** Why allocations stay on a draining node for now, and what each waits for (DESIGN §12.6). */
import {
  type Allocation,
  isTerminal,
  type Node,
  type Reason,
  Rule,
  type Subject,
  subjectOf,
  waitsFor,
} from "@drover/model";

export type Kind = "service" | "batch" | "system";

export interface Remaining {
  readonly alloc: Allocation;
  readonly kind: Kind;
}

export function isMarked(alloc: Allocation): boolean {
  return alloc.desiredTransition.migrate === true;
}

/** The limit of a group's migrate block keeps some of `candidates`. */
export function whyHeld(facts: {
  readonly node: Node;
  readonly candidates: readonly Allocation[];
  readonly serving: readonly Allocation[];
  /** Those of the group that count, serving or not. */
  readonly rivals: readonly Allocation[];
  readonly parallel: number;
  readonly count: number;
}): Reason | null {
  const { candidates, count, node, parallel, rivals, serving } = facts;
  const [one] = candidates;
  if (one === undefined) return null;
  const group = subjectOf.group({ namespace: one.namespace, id: one.jobId }, one.taskGroup);
  const waited = rivals.filter((alloc) => !serving.includes(alloc)).map(subjectOf.allocation);
  const [first = group, ...others] = waited;
  return waitsFor(
    {
      rule: Rule.drainRollingLimit,
      subject: subjectOf.node(node.id),
      text:
        `${counted(candidates.length)} of group "${one.taskGroup}" of job "${one.jobId}" ` +
        `must wait until more serve: ${serving.length} of ${count} do for sure, and max_parallel lets ` +
        `${parallel} be missing at a time`,
      ...scheduleOf(node),
      evidence: {
        maxParallel: String(parallel),
        serving: String(serving.length),
        count: String(count),
        staying: String(candidates.length),
      },
    },
    first,
    ...others,
  );
}

/** Every allocation that is not about to be marked, by kind. */
export function whyRemain(
  node: Node,
  remaining: readonly Remaining[],
  migrate: readonly string[],
): readonly Reason[] {
  const leaving: Subject[] = [];
  const batch: Subject[] = [];
  const system: Subject[] = [];
  for (const { alloc, kind } of remaining) {
    const list = isTerminal(alloc) || isMarked(alloc) ? leaving : { batch, system }[String(kind)];
    if (!migrate.includes(alloc.id)) list?.push(subjectOf.allocation(alloc));
  }
  const others = [...leaving, ...batch];
  return [
    ...because(node, leaving, leaving, {
      rule: Rule.drainAwaitsStop,
      text: "have been told to leave and are not gone yet",
    }),
    ...because(node, batch, batch, {
      rule: Rule.drainAwaitsBatch,
      text: "are of batch jobs and may finish their work until the deadline",
    }),
    ...because(node, system, others.length > 0 ? others : system, {
      rule: Rule.drainSystemLast,
      text: "are of system jobs, which leave after all others",
    }),
  ];
}

function because(
  node: Node,
  affected: readonly Subject[],
  waited: readonly Subject[],
  told: { readonly rule: Rule; readonly text: string },
): Reason[] {
  const [first, ...others] = waited;
  if (affected.length === 0 || first === undefined) return [];
  return [
    waitsFor(
      {
        rule: told.rule,
        subject: subjectOf.node(node.id),
        text: `${affected.length} of its allocations ${told.text}`,
        ...scheduleOf(node),
      },
      first,
      ...others,
    ),
  ];
}

function counted(stay: number): string {
  return stay === 1 ? "1 allocation" : `${stay} allocations`;
}

/** Since when, until when at the latest, and how a person ends it sooner. */
function scheduleOf(node: Node) {
  const { forceDeadline = 0, startedAt = 0 } = node.drainStrategy ?? {};
  return {
    since: startedAt || null,
    wakesAt: forceDeadline > 0 ? forceDeadline : null,
    hint: `stop what is left without waiting: drover node drain -enable -force ${node.id}`,
  };
}
