export { openLocalStorage } from "../wal/local-port.ts";
export { nodeVfs } from "../wal/node-vfs.ts";
export type { Checker, MemberView } from "./checkers/checker.ts";
export type { SimClock } from "./clock.ts";
export { drainedSteps } from "./drain.ts";
export { asFailure, SimFailure } from "./failure.ts";
export {
  checkLinearizable,
  historiesOf,
  type Operation,
  type SequentialModel,
} from "./linearizability.ts";
export type { SimMember } from "./member.ts";
export { applyEdits, type MutantEdits } from "./mutant-edits.ts";
export type { SimNetwork } from "./network.ts";
export { NodeDisk } from "./node-disk.ts";
export {
  type Life,
  MachineClock,
  pieces,
  SimTransport,
  simTimers,
  viewOf,
  watchStorage,
} from "./node-parts.ts";
export { SimRandom } from "./random.ts";
export { type RegisterOperation, registerModel } from "./register-model.ts";
export { type Scenario, scenarioOf } from "./scenario.ts";
export { type RunOptions, type RunResult, runSeed, type SimMode } from "./simulation.ts";
export type { Trace } from "./trace.ts";
export { World } from "./world.ts";
