export {
  type Explanation,
  explain,
  explainInSlices,
  withoutLeader,
} from "./explain.ts";
export type { DryRuns } from "./reasons-of.ts";
