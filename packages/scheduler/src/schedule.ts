/** The one entry: which scheduler handles the evaluation (spec §6.1). */
import { JobType } from "@drover/model";
import { scheduleGeneric } from "./generic.ts";
import type { Schedule } from "./scheduler.ts";
import { scheduleSystem } from "./system.ts";

export const schedule: Schedule = (input) => {
  const { evaluation, state } = input;
  const job = state.job({ namespace: evaluation.namespace, id: evaluation.jobId });
  const type = job?.type ?? evaluation.type;
  const isSystem = type === JobType.system || type === JobType.sysbatch;
  return isSystem ? scheduleSystem(input) : scheduleGeneric(input);
};
