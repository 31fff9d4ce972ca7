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

/** The limit of a group's migrate block keeps it. */
export function whyHeld(facts: {
  readonly node: Node;
  /** One of those that it keeps. */
  readonly one: Allocation;
  readonly staying: number;
  readonly serving: readonly Allocation[];
  /** Those of the group that count, serving or not. */
  readonly rivals: readonly Allocation[];
  readonly parallel: number;
  readonly count: number;
}): Reason {
  const { count, node, one, parallel, rivals, serving, staying } = facts;
  const group = subjectOf.group({ namespace: one.namespace, id: one.jobId }, one.taskGroup);
  const waited = rivals.filter((alloc) => !serving.includes(alloc)).map(subjectOf.allocation);
  const [first = group, ...others] = waited;
  return waitsFor(
    {
      rule: Rule.drainRollingLimit,
      subject: subjectOf.node(node.id),
      text:
        `${counted(staying)} of group "${one.taskGroup}" of job "${one.jobId}" ` +
        `must wait until more serve: ${serving.length} of ${count} do for sure, and max_parallel lets ` +
        `${parallel} be missing at a time`,
      ...scheduleOf(node),
      evidence: {
        maxParallel: String(parallel),
        serving: String(serving.length),
        count: String(count),
        staying: String(staying),
      },
    },
    first,
    ...others,
  );
}

/** One reason for all that stay for the same cause. */
export class WhyRemain {
  readonly #node: Node;
  readonly #others: readonly Subject[];
  readonly #told: readonly Subject[];
  readonly #batch: readonly Subject[];
  readonly #system: readonly Subject[];
  readonly #known = new Map<Rule, Reason>();

  constructor(node: Node, remaining: readonly Remaining[]) {
    const isTold = ({ alloc }: Remaining) => isTerminal(alloc) || isMarked(alloc);
    const open = remaining.filter((each) => !isTold(each));
    const subjectsOf = (list: readonly Remaining[]) =>
      list.map(({ alloc }) => subjectOf.allocation(alloc));
    this.#node = node;
    this.#told = subjectsOf(remaining.filter(isTold));
    this.#others = subjectsOf(remaining.filter(({ kind }) => kind !== "system"));
    this.#batch = subjectsOf(open.filter(({ kind }) => kind === "batch"));
    this.#system = subjectsOf(open.filter(({ kind }) => kind === "system"));
  }

  told(one: Allocation): Reason {
    const text = "have been told to leave and are not gone yet";
    return this.#because(one, { rule: Rule.drainAwaitsStop, text }, this.#told);
  }

  batch(one: Allocation): Reason {
    const text = "are of batch jobs and may finish their work until the deadline";
    return this.#because(one, { rule: Rule.drainAwaitsBatch, text }, this.#batch);
  }

  system(one: Allocation): Reason {
    const text = "are of system jobs, which leave after all others";
    return this.#because(one, { rule: Rule.drainSystemLast, text }, this.#system, this.#others);
  }

  /** `waited`: for others than the affected ones. */
  #because(
    one: Allocation,
    told: { readonly rule: Rule; readonly text: string },
    affected: readonly Subject[],
    waited: readonly Subject[] = affected,
  ): Reason {
    const known = this.#known.get(told.rule);
    if (known) return known;
    const [first = subjectOf.allocation(one), ...others] = waited;
    const reason = waitsFor(
      {
        rule: told.rule,
        subject: subjectOf.node(this.#node.id),
        text: `${affected.length} of its allocations ${told.text}`,
        ...scheduleOf(this.#node),
      },
      first,
      ...others,
    );
    this.#known.set(told.rule, reason);
    return reason;
  }
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
