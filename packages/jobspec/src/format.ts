/** What the command line prints about a job file that cannot be used. */
import { formatDiagnostic, formatFirstDiagnostic } from "@drover/hcl";
import type { ParsedJob } from "./parse-job-file.ts";

/** The text after `Error parsing job file from <name>:` and a line break. */
export function formatDiagnostics(parsed: ParsedJob): string {
  const { diagnostics } = parsed;
  if (parsed.brokenVarFile)
    return `unable to parse var file: ${formatFirstDiagnostic(diagnostics)}`;
  if (parsed.layout === "first") return formatFirstDiagnostic(diagnostics);
  return diagnostics.map(formatDiagnostic).join("\n");
}
