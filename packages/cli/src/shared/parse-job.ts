/** The step from a job file's text to its job; loaded only by commands that read one. */
import { formatDiagnostics, parseJobFile, parseJobJson, type VariableInput } from "@drover/jobspec";
import type { JobInput } from "@drover/model";
import { jobFileHost } from "./job-host.ts";

export interface ParseRequest {
  readonly text: string | Buffer;
  /** As diagnostics name the file. */
  readonly name: string;
  readonly isJson: boolean;
  readonly strict: boolean;
  readonly variables: VariableInput;
  readonly directory: string;
}

export type ParseResult =
  | { readonly ok: true; readonly job: JobInput }
  | { readonly ok: false; readonly message: string };

export function parseJob(request: ParseRequest): ParseResult {
  const { text, name, strict, variables } = request;
  if (request.isJson) {
    const parsed = parseJobJson(String(text));
    if (parsed.ok) return parsed;
    return { ok: false, message: `Failed to parse JSON job: ${streamWords(parsed.message)}` };
  }
  const host = jobFileHost(request.directory);
  const parsed = parseJobFile({ text, fileName: name, strict, variables, host });
  if (parsed.job) return { ok: true, job: parsed.job };
  const problems = formatDiagnostics(parsed);
  return { ok: false, message: `Error parsing job file from ${name}:\n${problems}` };
}

/** A file is read as a stream, whose end has a name of its own. */
function streamWords(message: string): string {
  return message === "unexpected end of JSON input" ? "unexpected EOF" : message;
}
