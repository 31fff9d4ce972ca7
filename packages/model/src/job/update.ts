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
    /** Allocations of the new version that may be undecided at once; 0 = no update strategy. */
    maxParallel: int({ default: 1 }),
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
    maxParallel: int({ default: 1 }),
    healthCheck: string({ default: "checks" }),
    minHealthyTime: duration({ default: 10 * SECOND }),
    healthyDeadline: duration({ default: 5 * MINUTE }),
  },
  { typeName: "MigrateStrategy" },
);
export type MigrateStrategy = Infer<typeof migrateStrategySchema>;
