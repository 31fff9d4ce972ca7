/** The one entry: which scheduler handles the evaluation (spec §6.1). */
import { JobType } from "@drover/model";
import { scheduleGeneric } from "./generic.ts";
import type { Schedule, SchedulerInput, Slices } from "./scheduler.ts";
import { endOf } from "./slices.ts";
import { scheduleSystem } from "./system.ts";

export const schedule: Schedule = (input) => endOf(scheduleInSlices(input));

/**
 * The same, for who must not keep others waiting (DESIGN §7): each yield is a moment at which the
 * caller may turn to something else. `input.state` has to stay as it is until the end.
 */
export function scheduleInSlices(input: SchedulerInput): Slices {
  const { evaluation, state } = input;
  const job = state.job({ namespace: evaluation.namespace, id: evaluation.jobId });
  const type = job?.type ?? evaluation.type;
  const isSystem = type === JobType.system || type === JobType.sysbatch;
  return isSystem ? scheduleSystem(input) : scheduleGeneric(input);
}
