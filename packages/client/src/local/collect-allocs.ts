/** Which ended allocations give up their directories, oldest end first. Their records stay. */
import type { AllocRecord } from "../state/alloc-record.ts";

export function allocsToCollect(records: readonly AllocRecord[], keep: number): string[] {
  const ended = records.filter((record) => record.stage.kind === "done");
  const byAge = [...ended].sort((a, b) => endedAt(a) - endedAt(b));
  return byAge.slice(0, Math.max(0, byAge.length - keep)).map((record) => record.alloc.id);
}

function endedAt(record: AllocRecord): number {
  return Math.max(0, ...Object.values(record.tasks).map((run) => run.state.finishedAt));
}
