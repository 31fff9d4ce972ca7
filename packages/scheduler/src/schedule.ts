/** The one entry: which scheduler handles the evaluation (spec §6.1). */
import { scheduleGeneric } from "./generic.ts";
import type { Schedule } from "./scheduler.ts";

export const schedule: Schedule = (input) => scheduleGeneric(input);
