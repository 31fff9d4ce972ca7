/** How a group's allocations are replaced when its job changes (spec chapter 1 §1.4). */
import { MINUTE, SECOND } from "@drover/base";
import {
  bool,
  duration,
  type Infer,
  type InferInput,
  int,
  record,
  string,
} from "../schema/field.ts";

export const updateStrategySchema = record(
  "Update",
  {
    stagger: duration({ default: 30 * SECOND, diff: false }),
    /**
     * Allocations of the new version that may be undecided at once; 0 = no update strategy. Where a
     * percentage is written this is what it comes to for the group's count.
     */
    maxParallel: int({ default: 1, percent: { key: "maxParallelPercent", min: 1 } }),
    /** Of the group's count, rounded down, at least 1; of a system job's nodes. 0 = not used. */
    maxParallelPercent: int({ addition: true, hcl: null }),
    /**
     * Allocations that may start before those they replace stop (DESIGN §12.2); where a percentage
     * is written this is what it comes to for the group's count.
     */
    maxSurge: int({ addition: true, percent: { key: "maxSurgePercent", min: 0 } }),
    /** Of the group's count, rounded up. 0 = not used. */
    maxSurgePercent: int({ addition: true, hcl: null }),
    healthCheck: string({ default: "checks" }),
    minHealthyTime: duration({ default: 10 * SECOND }),
    healthyDeadline: duration({ default: 5 * MINUTE }),
    /** 0 = the first unhealthy allocation fails the deployment. */
    progressDeadline: duration({ default: 10 * MINUTE }),
    canary: int({ default: 0 }),
    autoRevert: bool({ default: false }),
    autoPromote: bool({ default: false }),
  },
  { typeName: "UpdateStrategy" },
);
export type UpdateStrategy = Infer<typeof updateStrategySchema>;
export type UpdateStrategyInput = InferInput<typeof updateStrategySchema>;

/** How allocations leave a draining node (spec chapter 1 §1.2). */
export const migrateStrategySchema = record(
  "Migrate",
  {
    maxParallel: int({ default: 1, percent: { key: "maxParallelPercent", min: 1 } }),
    /** Of the group's count, rounded down, at least 1. 0 = not used. */
    maxParallelPercent: int({ addition: true, hcl: null }),
    healthCheck: string({ default: "checks" }),
    minHealthyTime: duration({ default: 10 * SECOND }),
    healthyDeadline: duration({ default: 5 * MINUTE }),
  },
  { typeName: "MigrateStrategy" },
);
export type MigrateStrategy = Infer<typeof migrateStrategySchema>;

/** The part of `base` that a strategy's max_parallel comes to. */
export function parallelOf(
  strategy: { readonly maxParallel: number; readonly maxParallelPercent: number },
  base: number,
): number {
  const { maxParallel, maxParallelPercent: percent } = strategy;
  return percent > 0 ? Math.max(1, Math.floor((base * percent) / 100)) : maxParallel;
}

function surgeOf({ maxSurge, maxSurgePercent }: UpdateStrategy, base: number): number {
  return maxSurgePercent > 0 ? Math.ceil((base * maxSurgePercent) / 100) : maxSurge;
}

interface Counted {
  readonly count: number;
  readonly update: UpdateStrategy | null;
  readonly migrate: MigrateStrategy | null;
}

/**
 * The group with `count` and what its percentages come to for it (DESIGN §12.2). Whoever changes a
 * count uses this, so that everything else, Nomad's clients too, may read plain counts.
 */
export function withCount<G extends Counted>(group: G, count: number): G {
  const { migrate, update } = group;
  return {
    ...group,
    count,
    update: update && {
      ...update,
      maxParallel: parallelOf(update, count),
      maxSurge: surgeOf(update, count),
    },
    migrate: migrate && { ...migrate, maxParallel: parallelOf(migrate, count) },
  };
}

/** 0 = the old one stops first, as it must where the new one takes its disk over. */
export function maxSurgeOf(group: {
  readonly update: UpdateStrategy | null;
  readonly ephemeralDisk: { readonly migrate: boolean; readonly sticky: boolean };
}): number {
  const { ephemeralDisk, update } = group;
  if (update === null || update.maxParallel === 0) return 0;
  return ephemeralDisk.migrate || ephemeralDisk.sticky ? 0 : update.maxSurge;
}
