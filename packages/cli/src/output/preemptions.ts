/** What a plan would push aside, in as much detail as fits (spec chapter 7 §7.2). */
import type { Doc } from "../doc.ts";
import { table } from "../format/columns.ts";

const ROWS_MAX = 10;

/** "" when nothing is preempted. */
export function preemptionTable(allocs: readonly Doc[]): string {
  if (allocs.length === 0) return "";
  if (allocs.length < ROWS_MAX) {
    const rows = allocs.map((alloc) => [
      alloc.text("ID"),
      alloc.text("JobID"),
      alloc.text("TaskGroup"),
    ]);
    return table([["Alloc ID", "Job ID", "Task Group"], ...rows]);
  }
  const byJob = counted(allocs, ["JobID", "Namespace", "JobType"]);
  if (byJob.length < ROWS_MAX) {
    return table([["Job ID", "Namespace", "Job Type", "Preemptions"], ...byJob]);
  }
  return table([["Job Type", "Preemptions"], ...counted(allocs, ["JobType"])]);
}

/** One row for each combination of members, with how often it occurs. */
function counted(allocs: readonly Doc[], members: readonly string[]): string[][] {
  const rows = new Map<string, { readonly cells: string[]; count: number }>();
  for (const alloc of allocs) {
    const cells = members.map((name) => alloc.text(name));
    const key = JSON.stringify(cells);
    const row = rows.get(key) ?? { cells, count: 0 };
    row.count++;
    rows.set(key, row);
  }
  return [...rows.keys()].sort().map((key) => {
    const row = rows.get(key);
    return row ? [...row.cells, String(row.count)] : [];
  });
}
