export { formatDiagnostics } from "./format.ts";
export type { FileContent, HashAlgorithm, JobFileHost } from "./host.ts";
export {
  type JobFileOptions,
  type ParsedJob,
  parseJobFile,
  type VariableInput,
} from "./parse-job-file.ts";
