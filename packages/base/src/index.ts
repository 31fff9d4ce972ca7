export { AssertionFailure, assert, unreachable } from "./assert.ts";
export type { Cancel, Clock } from "./clock.ts";
export {
  formatDuration,
  HOUR,
  MICROSECOND,
  MILLISECOND,
  MINUTE,
  msToNanos,
  type Nanos,
  nanosToMs,
  type ParsedDuration,
  parseDuration,
  SECOND,
} from "./duration.ts";
export { DroverError, errorText } from "./errors.ts";
export { Heap } from "./heap.ts";
export { quoted } from "./quoted.ts";
export { hashLabel, mintUuid, type Random, SeededRandom } from "./random.ts";
