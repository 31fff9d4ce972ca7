/** What the servers hear of an allocation: the client-owned fields, derived from the record. */
import { type AllocClientReport, ClientStatus, TaskRunState, type TaskState } from "@drover/model";
import { type AllocRecord, groupOf, isStopKnown, tasksOf } from "../state/alloc-record.ts";
import { tasksRun } from "./alloc-health.ts";
import { allocStatus } from "./alloc-status.ts";
import { healthRules } from "./health-rules.ts";
import { isRevoked } from "./verdict.ts";

export function allocReport(record: AllocRecord): AllocClientReport {
  const taskStates: Record<string, TaskState> = {};
  for (const [name, run] of Object.entries(record.tasks)) taskStates[name] = run.state;
  const { status, description } = allocStatus(statusStates(record));
  const cut = record.cutOff !== "" && status === ClientStatus.complete;
  const unretryable = Object.values(record.tasks).find((run) => run.unretryable !== "");
  const health = reportedHealth(record, status);
  return {
    id: record.alloc.id,
    clientSeq: record.seq,
    clientStatus: status,
    clientDescription: cut ? record.cutOff : description,
    taskStates,
    healthy: health.healthy,
    healthAt: health.at,
    ...(health.healthy === null ? {} : { deploymentId: record.alloc.deploymentId }),
    ...(isRevoked(record.verdict) ? { revoked: true } : {}),
    prepared: record.prepared,
    ...(record.unseen === true && record.tracking !== null ? { unseen: true } : {}),
    serving: servingNow(record),
    unretryableError: unretryable?.unretryable ?? "",
    networkStatus: null,
    imageDigests: record.imageDigests,
  };
}

/**
 * A task that begins for the first time after others have run (main after prestart, poststop at the
 * end) keeps the allocation running: it has started, and nothing of it has failed.
 */
function statusStates(record: AllocRecord): TaskState[] {
  const runs = Object.values(record.tasks);
  const anyRan = runs.some((run) => run.state.startedAt !== 0);
  return runs.map((run) => {
    const { kind } = run.phase;
    const first = run.state.startedAt === 0 && run.state.restarts === 0;
    const begins = first && (kind === "setup" || kind === "starting");
    return anyRan && begins ? { ...run.state, state: TaskRunState.running } : run.state;
  });
}

/** One that failed by itself while a deployment waits for it is unhealthy without more proof. */
function reportedHealth(
  record: AllocRecord,
  status: ClientStatus,
): { healthy: boolean | null; at: number } {
  const { healthy, at } = record.verdict;
  if (healthy !== null) return { healthy, at };
  const failed = status === ClientStatus.failed && !isStopKnown(record);
  const group = groupOf(record.job, record.alloc);
  const awaited =
    record.alloc.deploymentId !== "" || healthRules(record.alloc, record.job, group) !== null;
  if (!failed || !awaited) return { healthy: null, at: 0 };
  const finished = Object.values(record.tasks).map((run) => run.state.finishedAt);
  return { healthy: false, at: Math.max(0, ...finished) };
}

/** H13: null until its health has been decided once, so that starting tells nothing twice. */
function servingNow(record: AllocRecord): boolean | null {
  // Records of older agents lack the field.
  const checksPass = record.checksPass ?? null;
  return checksPass === null ? null : checksPass && tasksRun(tasksOf(record));
}

/** What is new between two records: facts that servers act on, mere lines of history, nothing. */
export function compareReports(a: AllocRecord, b: AllocRecord): "facts" | "lines" | "none" {
  const body = (record: AllocRecord): string =>
    JSON.stringify({ ...allocReport(record), clientSeq: 0 });
  const facts = (record: AllocRecord): string => {
    // What an image resolved to matters to the next batch: it travels with the start's success.
    const { taskStates, imageDigests: _, ...rest } = allocReport(record);
    const states = Object.values(taskStates).map((state) => ({ ...state, events: [] }));
    return JSON.stringify({ ...rest, clientSeq: 0, states });
  };
  if (facts(a) !== facts(b) || wasGivenUp(a, b)) return "facts";
  return body(a) === body(b) ? "none" : "lines";
}

/** The servers lost sight of it and wrote `unknown` over what they knew: they must hear it again. */
function wasGivenUp(a: AllocRecord, b: AllocRecord): boolean {
  const isNews = a.alloc.modifyIndex !== b.alloc.modifyIndex;
  return isNews && b.alloc.clientStatus === ClientStatus.unknown;
}
