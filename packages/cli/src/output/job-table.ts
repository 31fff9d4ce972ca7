/** The list of jobs (spec chapter 7 §7.6). */
import type { Doc } from "../doc.ts";
import { table } from "../format/columns.ts";
import { formatInstant } from "../format/time.ts";

export function jobTable(jobs: readonly Doc[], withNamespace: boolean): string {
  const sorted = [...jobs].sort((a, b) => (a.text("ID") < b.text("ID") ? -1 : 1));
  const header = ["ID", ...(withNamespace ? ["Namespace"] : [])];
  return table([
    [...header, "Type", "Priority", "Status", "Submit Date"],
    ...sorted.map((job) => [
      job.text("ID"),
      ...(withNamespace ? [job.text("Namespace")] : []),
      typeText(job),
      String(job.num("Priority")),
      jobStatusText(job),
      formatInstant(job.instant("SubmitTime")),
    ]),
  ]);
}

function typeText(job: Doc): string {
  if (job.flag("Periodic")) return `${job.text("Type")}/periodic`;
  if (job.flag("ParameterizedJob")) return `${job.text("Type")}/parameterized`;
  return job.text("Type");
}

export function jobStatusText(job: Doc): string {
  return job.flag("Stop") ? `${job.text("Status")} (stopped)` : job.text("Status");
}
