export { hasImages, needsImages, taskImages } from "./feasible/images.ts";
export { type NextImages, nextImages } from "./next-images.ts";
export { schedule, scheduleInSlices } from "./schedule.ts";
export type { Schedule, SchedulerInput, SchedulerResult } from "./scheduler.ts";
export { endOf, inSlices } from "./slices.ts";
