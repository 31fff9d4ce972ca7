/** ScalingEvent: what autoscalers and operators did to a group's count (spec chapter 2 §2.5.4). */
import { jobKey } from "../store/keys.ts";
import type { Tx } from "../store/tx.ts";
import type { CommandResult, ScalingEvent } from "./command.ts";
import { accepted } from "./result.ts";

const EVENTS_MAX = 20;

export function applyScalingEvent(tx: Tx, command: ScalingEvent): CommandResult {
  const { namespace, jobId, group, count, previousCount, message, error, meta, evalId } = command;
  const ref = { namespace, id: jobId };
  const stored = tx.read.scalingEvents(ref);
  const event = {
    time: tx.now,
    count,
    previousCount,
    message,
    error,
    meta,
    evalId,
    createIndex: tx.index,
  };
  const events = [event, ...(stored?.groups[group] ?? [])].slice(0, EVENTS_MAX);
  tx.put("scalingEvents", jobKey(ref), {
    namespace,
    jobId,
    groups: { ...stored?.groups, [group]: events },
    modifyIndex: tx.index,
  });
  return accepted(tx);
}
