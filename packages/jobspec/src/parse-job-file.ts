/** A job file → the request record of its job, or what is wrong with it. */
import {
  type Diagnostic,
  errorAt,
  formatRange,
  hasErrors,
  parseNativeBody,
  rangeText,
  type Scope,
  string,
} from "@drover/hcl";
import type { JobInput } from "@drover/model";
import { decodeJob } from "./decode/job.ts";

export interface JobFileOptions {
  readonly text: string;
  /** As the user named it; diagnostics begin with it. */
  readonly fileName: string;
}

export interface ParsedJob {
  readonly job: JobInput | null;
  readonly diagnostics: readonly Diagnostic[];
}

const TOP = { attributes: [], blocks: [{ type: "job", labels: ["name"] }] };

export function parseJobFile(options: JobFileOptions): ParsedJob {
  const source = { name: options.fileName, text: options.text };
  const scope: Scope = {
    variables: new Map(),
    functions: new Map(),
    parent: null,
    unknownVariable: (reference) => {
      return string(`\${${rangeText(reference.sequenceRange ?? reference.range)}}`);
    },
  };
  const { body, diagnostics } = parseNativeBody(source, { scope, dynamicBlocks: true });
  if (hasErrors(diagnostics)) return { job: null, diagnostics };
  const [block, second] = body.content(TOP, diagnostics).blocks;
  if (block === undefined) {
    diagnostics.push(errorAt(null, "Missing job block", "A job block is required"));
    return { job: null, diagnostics };
  }
  if (second !== undefined) {
    const detail = `Only one block of type "job" is allowed. Previous definition was at ${formatRange(block.headerRange)}.`;
    diagnostics.push(errorAt(second.headerRange, "Duplicate job block", detail));
    return { job: null, diagnostics };
  }
  const job = decodeJob(block, { diagnostics });
  return { job: hasErrors(diagnostics) ? null : job, diagnostics };
}
