/** How small a world is: what there is, what may go wrong, and what operators do meanwhile. */
import { SECOND } from "@drover/base";
import type { Job, TaskGroup } from "@drover/model";
import { rollingGroup, rollingJob } from "@drover/scheduler/testing";

export type FaultKind =
  /** A client finds an allocation unhealthy. */
  | "unhealthy"
  /** The checks of a healthy one fail, for a while. */
  | "flap"
  /** The tasks of an allocation end although nobody told them to. */
  | "exit"
  /** A node misses its heartbeat: for good, unless nodes may return. */
  | "nodeDown"
  /** The next deadline comes before leader and clients have done what they are about to do. */
  | "slow"
  /** What the leader's loops have decided is never written; another leader decides anew. */
  | "leaderLost";

/** A version of the job. */
export interface Submit {
  readonly kind: "submit";
  readonly image: string;
  readonly count?: number;
  /** Differs in place: allocations go on running under another version. */
  readonly shutdownDelayS?: number;
  /** The group whose image stays that of version 0. */
  readonly keeps?: string;
}

export type Operation =
  | Submit
  /** Of the node on which the oldest allocation runs; 0 = without a deadline. */
  | { readonly kind: "drain"; readonly deadlineMs: number }
  /** When its canaries are healthy; before that it would be refused. */
  | { readonly kind: "promote" }
  /** Of the job; a version that is submitted later starts it again. */
  | { readonly kind: "stop" };

export interface Scope {
  readonly name: string;
  /** Of each group. */
  readonly count: number;
  readonly groups?: readonly string[];
  readonly maxParallel: number;
  /** How many new ones may run beside the old (DESIGN §12.2). */
  readonly maxSurge?: number;
  readonly canary?: number;
  readonly autoPromote?: boolean;
  readonly autoRevert?: boolean;
  /** Docker tasks need an image first: make before break (DESIGN §12.3). */
  readonly driver?: "mock_driver" | "docker";
  /** Whether a failed allocation may be placed again. */
  readonly reschedules?: boolean;
  readonly progressDeadlineS?: number;
  readonly nodes?: number;
  /** In this order, each at any moment after the one before. */
  readonly script: readonly Operation[];
  readonly faults?: readonly FaultKind[];
  readonly faultsMax?: number;
  /**
   * These two instead, each once. Runs with two faults are those of all pairs together, and each
   * pair is a scope that can be gone through by itself.
   */
  readonly pair?: readonly [FaultKind, FaultKind];
  /** A node that was given up may be heard of again, at any moment. Its tasks ran on. */
  readonly nodesReturn?: boolean;
  /** How long allocations out of reach are waited for; 0 = they are lost at once. */
  readonly lostAfterS?: number;
  /** Whether what is waited for is replaced meanwhile; unless told, it is. */
  readonly replacesUnseen?: boolean;
  /**
   * What was told to stop has stopped at once, wherever only the choice of a node could tell (see
   * `steps.ts`): a tenth of the worlds, for what would be too large.
   */
  readonly stopsEarly?: boolean;
  /** Part of a step's label: a scope in which it is never taken shows nothing. */
  readonly reaches?: string;
  /** Images that never become healthy. */
  readonly bad?: readonly string[];
  /** Images that no registry ever delivers. */
  readonly missing?: readonly string[];
  /**
   * What interleaves. `entries`: a decision is written at once. `decisions`: anything may come
   * between a loop's look at the state and its entry in the log. `verifications`: also between a
   * plan and its verification, which may then refuse a part of it.
   */
  readonly interleaves: "entries" | "decisions" | "verifications";
}

export const JOB = { namespace: "default", id: "app" };
export const FIRST: Submit = { kind: "submit", image: "0" };
const PROGRESS_S = 600;

export function groupsOf(scope: Scope): readonly string[] {
  return scope.groups ?? ["web"];
}

export function jobOf(scope: Scope, version: Submit): Job {
  const taskGroups = groupsOf(scope).map((name) => groupOf(scope, name, version));
  return rollingJob({ id: JOB.id, job: { taskGroups } });
}

function groupOf(scope: Scope, name: string, version: Submit): TaskGroup {
  const { autoPromote = false, autoRevert = false, canary = 0, maxParallel, maxSurge = 0 } = scope;
  return rollingGroup({
    name,
    count: version.count ?? scope.count,
    image: version.keeps === name ? FIRST.image : version.image,
    driver: scope.driver ?? "mock_driver",
    update: {
      maxParallel,
      maxSurge,
      canary,
      autoPromote,
      autoRevert,
      progressDeadline: (scope.progressDeadlineS ?? PROGRESS_S) * SECOND,
    },
    group: {
      shutdownDelay: (version.shutdownDelayS ?? 0) * SECOND,
      disconnect:
        scope.lostAfterS === undefined
          ? null
          : {
              lostAfter: scope.lostAfterS * SECOND,
              stopOnClientAfter: null,
              replace: scope.replacesUnseen ?? true,
              reconcile: "best_score",
            },
      reschedulePolicy: {
        attempts: 0,
        interval: 0,
        delay: 30 * SECOND,
        delayFunction: "constant",
        maxDelay: 0,
        unlimited: scope.reschedules ?? false,
      },
    },
  });
}
