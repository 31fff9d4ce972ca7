/**
 * Decides which nodes may take an allocation of one group (spec §6.3). Filters that only look at
 * what nodes of one computed class share are asked once per class, unless a constraint looks at
 * something unique to a node.
 */
import { CLASS_INELIGIBLE, type Job, type Node, type TaskGroup } from "@drover/model";
import type { ClusterView } from "../cluster-view.ts";
import { ConstraintFilter, escapesClass } from "./constraint.ts";
import { DeviceFilter } from "./devices.ts";
import { DistinctFilter } from "./distinct.ts";
import { DriverFilter } from "./driver.ts";
import type { NodeFilter } from "./filter.ts";
import { NetworkFilter } from "./ports.ts";
import { HostVolumeFilter } from "./volumes.ts";

export class Feasibility {
  /** What the job itself says about nodes. */
  readonly #constraints: readonly NodeFilter[];
  readonly #classFilters: readonly NodeFilter[];
  readonly #nodeFilters: readonly NodeFilter[];
  readonly #classes = new Map<string, boolean>();
  /** Some constraint must be asked node by node, so classes say nothing about this group. */
  readonly escapesClass: boolean;

  constructor(job: Job, group: TaskGroup, view: ClusterView) {
    const taskConstraints = group.tasks.flatMap((task) => task.constraints);
    const constraints = [...job.constraints, ...group.constraints, ...taskConstraints];
    this.escapesClass = constraints.some(escapesClass);
    const ofJob = new ConstraintFilter(job.constraints);
    const ofGroup = new ConstraintFilter([...group.constraints, ...taskConstraints]);
    this.#constraints = [ofJob, ofGroup];
    this.#classFilters = [
      ofJob,
      new DriverFilter(group),
      ofGroup,
      new DeviceFilter(group),
      new NetworkFilter(group),
    ];
    this.#nodeFilters = [new HostVolumeFilter(group), new DistinctFilter(job, group, view)];
  }

  /** Class → whether its nodes pass, as far as they have been asked. */
  get classes(): ReadonlyMap<string, boolean> {
    return this.#classes;
  }

  /** null = feasible; otherwise why not. */
  explain(node: Node): string | null {
    return this.#explainClass(node) ?? firstReason(this.#nodeFilters, node);
  }

  /** Whether the job's own constraints leave the node out, whatever else it lacks. */
  excludes(node: Node): boolean {
    return firstReason(this.#constraints, node) !== null;
  }

  #explainClass(node: Node): string | null {
    const { computedClass } = node;
    if (this.escapesClass || computedClass === "") return firstReason(this.#classFilters, node);
    const known = this.#classes.get(computedClass);
    if (known !== undefined) return known ? null : CLASS_INELIGIBLE;
    const reason = firstReason(this.#classFilters, node);
    this.#classes.set(computedClass, reason === null);
    return reason;
  }
}

function firstReason(filters: readonly NodeFilter[], node: Node): string | null {
  for (const filter of filters) {
    const reason = filter.explain(node);
    if (reason !== null) return reason;
  }
  return null;
}
