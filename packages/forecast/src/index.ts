export {
  type DryRuns,
  type Explanation,
  explain,
  explainInSlices,
  withoutLeader,
} from "./explain.ts";
