export { hasImages, taskImages } from "./feasible/images.ts";
export { schedule } from "./schedule.ts";
export type { Schedule, SchedulerInput, SchedulerResult } from "./scheduler.ts";
