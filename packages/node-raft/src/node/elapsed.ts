/**
 * Time that has passed, by two clocks: the monotonic one may stand while the machine sleeps or is
 * frozen, the wall clock may be set. Whichever ran further is believed, so that neither makes
 * something look younger than it is.
 */
import type { RaftTimers } from "./api.ts";

export interface Moment {
  readonly awakeMs: number;
  /** 0 where there is no wall clock. */
  readonly wallMs: number;
}

export function momentOf(timers: RaftTimers): Moment {
  return { awakeMs: timers.now(), wallMs: timers.wall?.() ?? 0 };
}

export function elapsedMs(since: Moment, now: Moment): number {
  return Math.max(now.awakeMs - since.awakeMs, now.wallMs - since.wallMs);
}
