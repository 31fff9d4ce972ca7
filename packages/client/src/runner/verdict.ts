/** Writes a health verdict into an allocation's record, with the lines that explain a bad one. */
import { resetTracking } from "../core/advance-alloc.ts";
import { checksPass, unhealthyReason } from "../core/alloc-health.ts";
import { allocUnhealthy, withEvents } from "../core/task-events.ts";
import type { TaskRun } from "../core/task-run.ts";
import { isRevocable, isRevoked, lostVerdict, ownVerdict } from "../core/verdict.ts";
import { type AllocRecord, groupOf, isStopKnown } from "../state/alloc-record.ts";
import type { Verdict } from "./health-watch.ts";

export function recordVerdict(record: AllocRecord, verdict: Verdict): AllocRecord {
  // A stop or a new deployment may have overtaken it.
  if (record.tracking === null || isStopKnown(record)) return record;
  const { deploymentId } = record.alloc;
  const next: AllocRecord = {
    ...record,
    tracking: null,
    checksPass: checksPass(verdict.rules.mode, verdict.input) ?? record.checksPass ?? null,
    verdict: ownVerdict(record.verdict, { deploymentId, healthy: verdict.healthy, at: verdict.at }),
  };
  // One that was healthy before, perhaps long ago, has no deadline to be explained by.
  const explained = !verdict.healthy && deploymentId !== "" && !isRevoked(record.verdict);
  return explained ? { ...next, tasks: withReasons(next, verdict) } : next;
}

/** A stop may have overtaken it: what leaves serves no more, and says so by its status. */
export function withChecks(record: AllocRecord, pass: boolean): AllocRecord {
  return isStopKnown(record) || record.checksPass === pass
    ? record
    : { ...record, checksPass: pass };
}

/**
 * H14: what was found healthy in a deployment and serves no more has to be proven again, within a
 * deadline of its own. Where no progress deadline bounds the deployment, all of that together has
 * one: what starts anew for ever would otherwise never end it.
 */
export function revokeVerdict(
  record: AllocRecord,
  checksPass: boolean | null,
  now: number,
): AllocRecord {
  if (!isRevocable(record.verdict) || isStopKnown(record)) return record;
  // The record with this change in it is the next report.
  const verdict = lostVerdict(record.verdict, { now, reportSeq: record.seq + 1 });
  const isBounded = (groupOf(record.job, record.alloc).update?.progressDeadline ?? 0) > 0;
  return resetTracking({ ...record, verdict, checksPass }, isBounded ? now : verdict.lostSince);
}

function withReasons(record: AllocRecord, verdict: Verdict): Record<string, TaskRun> {
  const tasks: Record<string, TaskRun> = { ...record.tasks };
  for (const task of groupOf(record.job, record.alloc).tasks) {
    const run = tasks[task.name];
    if (run === undefined) continue;
    const reason = unhealthyReason(verdict.rules, verdict.input, { task, state: run.state });
    if (reason === null) continue;
    const events = withEvents(run.state.events, allocUnhealthy(verdict.at, reason));
    tasks[task.name] = { ...run, state: { ...run.state, events } };
  }
  return tasks;
}
