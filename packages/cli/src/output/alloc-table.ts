/** The table of allocations that several commands share (spec chapter 7 §7.6). */
import type { Doc } from "../doc.ts";
import { table } from "../format/columns.ts";
import { shortId } from "../format/ids.ts";
import { formatWhen } from "../format/time.ts";

/** Newest first; those of one plan in the server's order. */
export function allocTable(
  allocs: readonly Doc[],
  options: { readonly verbose: boolean; readonly now: number },
): string {
  if (allocs.length === 0) return "No allocations placed";
  const { verbose } = options;
  const sorted = [...allocs].sort((a, b) => b.num("CreateIndex") - a.num("CreateIndex"));
  const header = verbose
    ? ["ID", "Eval ID", "Node ID", "Node Name", "Task Group"]
    : ["ID", "Node ID", "Task Group"];
  return table([
    [...header, "Version", "Desired", "Status", "Created", "Modified"],
    ...sorted.map((alloc) => [
      shortId(alloc.text("ID"), verbose),
      ...(verbose ? [alloc.text("EvalID")] : []),
      shortId(alloc.text("NodeID"), verbose),
      ...(verbose ? [alloc.text("NodeName")] : []),
      alloc.text("TaskGroup"),
      String(jobVersion(alloc)),
      alloc.text("DesiredStatus"),
      alloc.text("ClientStatus"),
      formatWhen(alloc.instant("CreateTime"), options),
      formatWhen(alloc.instant("ModifyTime"), options),
    ]),
  ]);
}

/** A list's entry says the version, a whole allocation holds its job. */
export function jobVersion(alloc: Doc): number {
  return alloc.at("JobVersion").exists ? alloc.num("JobVersion") : alloc.at("Job").num("Version");
}
