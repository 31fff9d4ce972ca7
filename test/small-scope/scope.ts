/** How small a world is: what there is, what may go wrong, and what operators do meanwhile. */
import { SECOND } from "@drover/base";
import type { Job } from "@drover/model";
import { rollingJob } from "@drover/scheduler/testing";

export type FaultKind =
  /** A client finds an allocation unhealthy. */
  | "unhealthy"
  /** The checks of a healthy one fail, for a while. */
  | "flap"
  /** The tasks of an allocation end although nobody told them to. */
  | "exit"
  /** A node misses its heartbeat for good. */
  | "nodeDown"
  /** The next deadline comes before clients have done what they are about to do. */
  | "slow"
  /** What the leader's loops have decided is never written; another leader decides anew. */
  | "leaderLost";

export type Operation =
  | { readonly kind: "submit"; readonly image: string; readonly count?: number }
  /** Of the node on which the oldest allocation runs; 0 = without a deadline. */
  | { readonly kind: "drain"; readonly deadlineMs: number }
  /** When its canaries are healthy; before that it would be refused. */
  | { readonly kind: "promote" };

export interface Scope {
  readonly name: string;
  readonly count: number;
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
  /** Images that never become healthy. */
  readonly bad?: readonly string[];
  /** Images that no registry ever delivers. */
  readonly missing?: readonly string[];
  /**
   * What interleaves. `entries`: a decision is written at once. `decisions`: anything may come
   * between a loop's look at the state and its entry in the log.
   */
  readonly interleaves: "entries" | "decisions";
}

export const JOB = { namespace: "default", id: "app" };
const PROGRESS_S = 600;

export function jobOf(scope: Scope, image: string, count = scope.count): Job {
  const { autoPromote = false, autoRevert = false, canary = 0, maxParallel, maxSurge = 0 } = scope;
  return rollingJob({
    id: JOB.id,
    count,
    image,
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
