/** Collects the parts of a plan; each allocation is stopped at most once. */
import { assert } from "@drover/base";
import type {
  Allocation,
  Deployment,
  DeploymentStatusUpdate,
  Evaluation,
  Job,
  Plan,
  PlanAnnotations,
  PlannedAttributeUpdate,
  PlannedStop,
} from "@drover/model";
import type { StopRequest } from "./reconciler/types.ts";

export class PlanBuilder {
  readonly #stops = new Map<string, PlannedStop>();
  readonly #placements: Allocation[] = [];
  readonly #placed = new Set<string>();
  readonly #attributeUpdates: PlannedAttributeUpdate[] = [];

  stop(request: StopRequest, now: number): void {
    const { alloc, clientStatus, description } = request;
    if (this.#stops.has(alloc.id)) return;
    this.#stops.set(alloc.id, {
      allocId: alloc.id,
      nodeId: alloc.nodeId,
      desiredStatus: "stop",
      desiredDescription: description,
      ...(clientStatus === undefined ? {} : { clientStatus, allocStateAt: now }),
    });
  }

  place(alloc: Allocation): void {
    assert(!this.#placed.has(alloc.id), () => `${alloc.id} is placed twice in one plan`);
    this.#placed.add(alloc.id);
    this.#placements.push(alloc);
  }

  update(update: PlannedAttributeUpdate): void {
    this.#attributeUpdates.push(update);
  }

  build(head: {
    readonly id: string;
    readonly evaluation: Evaluation;
    readonly job: Job | undefined;
    readonly snapshotIndex: number;
    readonly deployment: Deployment | null;
    readonly deploymentUpdates: readonly DeploymentStatusUpdate[];
    readonly annotations: PlanAnnotations;
  }): Plan {
    const { evaluation, job } = head;
    for (const id of this.#placed) {
      assert(!this.#stops.has(id), () => `${id} is placed and stopped in one plan`);
    }
    return {
      id: head.id,
      evalId: evaluation.id,
      priority: evaluation.priority,
      namespace: evaluation.namespace,
      jobId: evaluation.jobId,
      jobVersion: job?.version ?? 0,
      allAtOnce: job?.allAtOnce ?? false,
      snapshotIndex: head.snapshotIndex,
      stops: [...this.#stops.values()],
      placements: this.#placements,
      attributeUpdates: this.#attributeUpdates,
      deployment: head.deployment,
      deploymentUpdates: head.deploymentUpdates,
      annotations: head.annotations,
    };
  }
}
