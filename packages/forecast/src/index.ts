export { type DryRuns, type Explanation, explainInSlices } from "./explain.ts";
