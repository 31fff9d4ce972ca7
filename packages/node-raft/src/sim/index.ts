export type { Checker, MemberView } from "./checkers/checker.ts";
export { SimFailure } from "./failure.ts";
export { checkRegister, type RegisterOperation } from "./linearizability.ts";
export { SimRandom } from "./random.ts";
export { type RunOptions, type RunResult, runSeed, type SimMode } from "./simulation.ts";
