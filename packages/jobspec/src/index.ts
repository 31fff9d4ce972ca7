export { encodeJobOutput } from "./encode-output.ts";
export { formatDiagnostics } from "./format.ts";
export type { FileContent, HashAlgorithm, JobFileHost } from "./host.ts";
export {
  type JobFileOptions,
  type ParsedJob,
  parseJobFile,
  type VarFile,
  type VariableInput,
} from "./parse-job-file.ts";
export { type ParsedJobJson, parseJobJson } from "./parse-job-json.ts";
