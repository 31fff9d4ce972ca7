/** What the servers hear of an allocation: the client-owned fields, derived from the record. */
import { type AllocClientReport, ClientStatus, type TaskState } from "@drover/model";
import { type AllocRecord, isStopKnown } from "../state/alloc-record.ts";
import { allocStatus } from "./alloc-status.ts";

export function allocReport(record: AllocRecord): AllocClientReport {
  const taskStates: Record<string, TaskState> = {};
  for (const [name, run] of Object.entries(record.tasks)) taskStates[name] = run.state;
  const { status, description } = allocStatus(Object.values(taskStates));
  const unretryable = Object.values(record.tasks).find((run) => run.unretryable !== "");
  const health = reportedHealth(record, status);
  return {
    id: record.alloc.id,
    clientSeq: record.seq,
    clientStatus: status,
    clientDescription: description,
    taskStates,
    healthy: health.healthy,
    healthAt: health.at,
    prepared: record.prepared,
    unretryableError: unretryable?.unretryable ?? "",
    networkStatus: null,
    imageDigests: record.imageDigests,
  };
}

/** One that failed on its own while a deployment waits for it is unhealthy without further proof. */
function reportedHealth(
  record: AllocRecord,
  status: ClientStatus,
): { healthy: boolean | null; at: number } {
  const { healthy, at } = record.verdict;
  if (healthy !== null) return { healthy, at };
  const failed = status === ClientStatus.failed && !isStopKnown(record);
  if (!failed || record.alloc.deploymentId === "") return { healthy: null, at: 0 };
  const finished = Object.values(record.tasks).map((run) => run.state.finishedAt);
  return { healthy: false, at: Math.max(0, ...finished) };
}

/** Two records that the servers cannot tell apart. */
export function sameReport(a: AllocRecord, b: AllocRecord): boolean {
  const body = (record: AllocRecord): string =>
    JSON.stringify({ ...allocReport(record), clientSeq: 0 });
  return body(a) === body(b);
}
