export {
  type DryRuns,
  type Explanation,
  explainInSlices,
  withoutLeader,
} from "./explain.ts";
