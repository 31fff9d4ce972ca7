export * from "./cluster/allocation.ts";
export * from "./cluster/deployment.ts";
export * from "./cluster/evaluation.ts";
export * from "./cluster/node.ts";
export * from "./cluster/node-facts.ts";
export * from "./cluster/plan.ts";
export * from "./cluster/reason.ts";
export * from "./cluster/scheduler-config.ts";
export * from "./cluster/service-registration.ts";
export * from "./cluster/serving.ts";
export {
  annotateDiff,
  FORCES_CREATE,
  FORCES_DESTROY,
  FORCES_DESTRUCTIVE,
  FORCES_IN_PLACE,
} from "./diff/annotate.ts";
export { type DiffOptions, diffJobs } from "./diff/job.ts";
export {
  DiffType,
  type FieldDiff,
  type JobDiff,
  jobDiffFromWire,
  jobDiffToWire,
  type ObjectDiff,
  type TaskDiff,
  type TaskGroupDiff,
} from "./diff/types.ts";
export { type CanonicalizeContext, canonicalizeJob } from "./job/canonicalize.ts";
export * from "./job/constraint.ts";
export * from "./job/identity.ts";
export {
  environmentValues,
  interpolate,
  interpolateDeep,
  nodeValues,
} from "./job/interpolate.ts";
export * from "./job/job.ts";
export * from "./job/network.ts";
export * from "./job/resources.ts";
export * from "./job/restart.ts";
export * from "./job/service.ts";
export { isSpecChanged } from "./job/spec-changed.ts";
export {
  computeJobStatus,
  type JobStatusInput,
  type JobSummaryInput,
  summarizeJob,
} from "./job/status.ts";
export * from "./job/summary.ts";
export * from "./job/task.ts";
export * from "./job/task-group.ts";
export * from "./job/task-parts.ts";
export * from "./job/update.ts";
export { updateKind } from "./job/update-kind.ts";
export {
  type Decoded,
  type DecodeInputOptions,
  decodeInput,
  decodeInstant,
  decodeStored,
} from "./schema/decode.ts";
export { fillDefaults, overlay } from "./schema/defaults.ts";
export { encode, encodeInput, encodeInstant } from "./schema/encode.ts";
export { deepEqual } from "./schema/equal.ts";
export type {
  Field,
  FieldKind,
  FieldOptions,
  FieldRecord,
  Infer,
  InferInput,
  Json,
  JsonObject,
  RecordSchema,
} from "./schema/field.ts";
export { isPercentText, parsePercent } from "./schema/percent.ts";
export type { StateReader } from "./state-reader.ts";
export { DEFAULT_VALIDATE_CONTEXT, type ValidateContext } from "./validate/context.ts";
export { type JobValidation, validateJob } from "./validate/job.ts";
export { validateNamespace } from "./validate/namespace.ts";
export { formatWarnings } from "./validate/warnings.ts";
export { type AllocStubOptions, allocStubToWire, allocToWire, shownVerdict } from "./wire/alloc.ts";
export {
  deploymentToWire,
  evalStubToWire,
  evalToWire,
  type NodeStubOptions,
  namespaceToWire,
  nodePoolToWire,
  nodeStubToWire,
  nodeToWire,
  schedulerConfigToWire,
  serviceRegistrationToWire,
} from "./wire/cluster.ts";
export { jobStubToWire, jobSummaryToWire, jobToWire } from "./wire/job.ts";
export { reasonFromWire, reasonToWire, subjectToWire } from "./wire/reason.ts";
export { displayMessage, taskEventToWire, taskStateToWire } from "./wire/task-event.ts";
