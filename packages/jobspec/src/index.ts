export { type JobFileOptions, type ParsedJob, parseJobFile } from "./parse-job-file.ts";
