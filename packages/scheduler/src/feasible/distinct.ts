/** `distinct_hosts` and `distinct_property`: constraints on the job's other allocations (spec §6.3). */
import type { Constraint, Job, Node, TaskGroup } from "@drover/model";
import type { ClusterView } from "../cluster-view.ts";
import type { NodeFilter } from "./filter.ts";
import { resolveTarget } from "./target.ts";

interface Scoped {
  readonly constraint: Constraint;
  /** null = the whole job. */
  readonly group: string | null;
}

export class DistinctFilter implements NodeFilter {
  readonly #job: Job;
  readonly #view: ClusterView;
  readonly #hosts: Scoped[] = [];
  readonly #properties: Scoped[] = [];

  constructor(job: Job, group: TaskGroup, view: ClusterView) {
    this.#job = job;
    this.#view = view;
    const scoped: Scoped[] = [
      ...job.constraints.map((constraint) => ({ constraint, group: null })),
      ...group.constraints.map((constraint) => ({ constraint, group: group.name })),
      ...group.tasks.flatMap((task) =>
        task.constraints.map((constraint) => ({ constraint, group: group.name })),
      ),
    ];
    for (const each of scoped) {
      const { operand, rTarget } = each.constraint;
      if (operand === "distinct_hosts" && rTarget !== "false") this.#hosts.push(each);
      if (operand === "distinct_property") this.#properties.push(each);
    }
  }

  explain(node: Node): string | null {
    for (const { group } of this.#hosts) {
      if (this.#view.countOnNode(node.id, this.#job, group) > 0) return "distinct_hosts";
    }
    for (const each of this.#properties) {
      const reason = this.#explainProperty(each, node);
      if (reason !== null) return reason;
    }
    return null;
  }

  #explainProperty({ constraint, group }: Scoped, node: Node): string | null {
    const target = constraint.lTarget;
    const value = resolveTarget(target, node);
    if (value === undefined) return `missing property "${target}"`;
    const allowed = constraint.rTarget === "" ? 1 : Number(constraint.rTarget);
    let used = 0;
    for (const alloc of this.#view.running(this.#job)) {
      if (group !== null && alloc.taskGroup !== group) continue;
      const host = this.#view.node(alloc.nodeId);
      if (host && resolveTarget(target, host) === value) used++;
    }
    if (used < allowed) return null;
    return `distinct_property: ${target}=${value} used by ${used} allocs`;
  }
}
