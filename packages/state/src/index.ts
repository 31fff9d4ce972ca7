export type * from "./commands/command.ts";
export {
  COMMAND_VERSION,
  CommandTag,
  commandVersionAt,
  FEATURE_LEVELS,
} from "./commands/command.ts";
export { RejectCode } from "./commands/result.ts";
export { type Applied, type AppliedListener, StateMachineStore } from "./fsm.ts";
export { RestoredState } from "./restored-state.ts";
export { type DumpRecord, StateSnapshot } from "./snapshot.ts";
export { jobKey, scopedKey } from "./store/keys.ts";
export { computeNodeClass } from "./store/node-class.ts";
export type {
  ClusterIdentity,
  JobScalingEvents,
  StoredScalingEvent,
  StoredSubmission,
} from "./store/rows.ts";
export type { IndexName, TableName } from "./store/tables.ts";
export type { Wait } from "./watch/watch-hub.ts";
export type { WatchKey } from "./watch/watch-key.ts";
export { ANSWERS_KEPT_MS } from "./writes/answers.ts";
