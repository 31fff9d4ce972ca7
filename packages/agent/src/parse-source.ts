/** Job files for `/v1/jobs/parse`: no files of this machine are read for a caller. */
import type { JobInput } from "@drover/model";

export async function parseSource(
  source: string,
  variables: string,
): Promise<{ job: JobInput | null; error: string }> {
  const { formatDiagnostics, parseJobFile } = await import("@drover/jobspec");
  const parsed = parseJobFile({ text: source, fileName: "input.hcl", variables });
  return { job: parsed.job, error: parsed.job ? "" : formatDiagnostics(parsed.diagnostics) };
}
