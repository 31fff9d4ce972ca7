/** Job files for `/v1/jobs/parse`: no files of this machine are read for a caller. */
import type { JobInput } from "@drover/model";

export async function parseSource(
  source: string,
  variables: string,
): Promise<{ job: JobInput | null; error: string }> {
  const { parseJobFile } = await import("@drover/jobspec");
  const { formatFirstDiagnostic } = await import("@drover/hcl");
  const parsed = parseJobFile({ text: source, fileName: "input.hcl" });
  return { job: parsed.job, error: parsed.job ? "" : formatFirstDiagnostic(parsed.diagnostics) };
}
