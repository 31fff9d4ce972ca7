/** What the reconciler reads and what it wants done, before nodes are chosen. */
import type {
  AllocatedResources,
  Allocation,
  Deployment,
  DeploymentStatusUpdate,
  DesiredUpdates,
  Evaluation,
  Job,
  JobRef,
  Node,
  PlannedAttributeUpdate,
  Reason,
  TaskGroup,
} from "@drover/model";

export type UpdateDecision =
  | { readonly kind: "ignore" }
  | { readonly kind: "destructive" }
  | { readonly kind: "inPlace"; readonly resources: AllocatedResources };

export interface ReconcileInput {
  readonly ref: JobRef;
  /** null = purged. */
  readonly job: Job | null;
  readonly isBatch: boolean;
  /** All allocations under the job's id, of every registration. */
  readonly allocs: readonly Allocation[];
  /** The newest deployment; null for batch jobs. */
  readonly deployment: Deployment | null;
  /** Deployments of the job, newest first. */
  readonly deployments: readonly Deployment[];
  readonly evaluation: Evaluation;
  readonly now: number;
  readonly mintId: () => string;
  /** undefined = the node has been collected. */
  readonly node: (id: string) => Node | undefined;
  /** The specification an allocation runs; undefined after a purge. */
  readonly allocJob: (alloc: Allocation) => Job | undefined;
  readonly decideUpdate: (alloc: Allocation, group: TaskGroup) => UpdateDecision;
  /** Whether the job's version has the same specification as an older stable one (DESIGN §12.7). */
  readonly isRevert: () => boolean;
}

export interface StopRequest {
  readonly alloc: Allocation;
  readonly description: string;
  /** Where the server decides it. */
  readonly clientStatus?: string;
}

export const PlaceKind = {
  new: "new",
  canary: "canary",
  reschedule: "reschedule",
  lost: "lost",
  migrate: "migrate",
  disconnect: "disconnect",
} as const;
export type PlaceKind = (typeof PlaceKind)[keyof typeof PlaceKind];

export interface PlaceRequest {
  readonly kind: PlaceKind;
  readonly group: TaskGroup;
  readonly name: string;
  readonly previous: Allocation | null;
  readonly isCanary: boolean;
  /** Placed beside unpromoted canaries without being one: an older version, not the new one. */
  readonly downgrade: boolean;
  /** Stopped only if the placement succeeds. */
  readonly stopPrevious: StopRequest | null;
  /** P8: leaves its node, and runs on until the new one's images are there. */
  readonly leaving?: StopRequest;
  /** An earlier attempt at replacing `leaving` that failed before it could start. */
  readonly retryOf?: Allocation | null;
  /** X6: `leaving` runs on until the new one is healthy, if there is room for both. */
  readonly isSurge?: boolean;
}

/** Old one out, new one in, together or not at all. */
export interface DestructiveRequest {
  readonly group: TaskGroup;
  readonly old: Allocation;
  /** Of the new one, when it is another. */
  readonly name?: string;
  /** An earlier attempt at replacing `old` that failed before it could start. */
  readonly retryOf: Allocation | null;
  readonly isCanary: boolean;
  /** X1: the old one runs on until the new one is healthy, if there is room for both. */
  readonly surge?: Surge | null;
}

export interface Surge {
  /** L2 allows that the old one stops first where there is no room for both. */
  readonly mayFallBack: boolean;
}

/** A prepared allocation starts, and the one it replaces stops, in one step. */
export interface GoRequest {
  readonly next: Allocation;
  /** null when it is gone already. */
  readonly stop: StopRequest | null;
}

export interface InPlaceRequest {
  readonly alloc: Allocation;
  readonly resources: AllocatedResources;
}

export interface ReconcileResult {
  readonly stops: readonly StopRequest[];
  readonly inPlace: readonly InPlaceRequest[];
  readonly destructive: readonly DestructiveRequest[];
  readonly goes: readonly GoRequest[];
  readonly places: readonly PlaceRequest[];
  readonly attributeUpdates: readonly PlannedAttributeUpdate[];
  readonly followups: readonly Evaluation[];
  /** Created by this plan. */
  readonly deployment: Deployment | null;
  readonly deploymentUpdates: readonly DeploymentStatusUpdate[];
  /** The one that new allocations belong to: the created or the current one. */
  readonly activeDeployment: Deployment | null;
  readonly desired: Readonly<Record<string, DesiredUpdates>>;
  /** What is left undone for now, and why. */
  readonly waits: readonly Reason[];
}

export const Description = {
  notNeeded: "alloc not needed due to job update",
  updating: "alloc is being updated due to job update",
  migrating: "alloc is being migrated",
  lost: "alloc is lost since its node is down",
  unknown: "alloc is unknown since its node is disconnected",
  reconnected: "alloc not needed due to disconnected client reconnect",
  tainted: "alloc not needed as node is tainted",
  /** A failed allocation that is replaced is stopped without a text (spec §3.7.2). */
  rescheduled: "",
} as const;

export function noUpdates(): DesiredUpdates {
  return {
    ignore: 0,
    place: 0,
    migrate: 0,
    stop: 0,
    inPlaceUpdate: 0,
    destructiveUpdate: 0,
    canary: 0,
    preemptions: 0,
    disconnect: 0,
    reconnect: 0,
    rescheduleNow: 0,
    rescheduleLater: 0,
  };
}
