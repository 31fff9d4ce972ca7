export { applyPlan, recountDeployments } from "./apply-plan.ts";
export { Harness, type HarnessOptions, harnessNode, withAddress } from "./harness.ts";
export { type RollingOptions, rollingGroup, rollingJob } from "./jobs.ts";
export { MemoryState } from "./memory-state.ts";
