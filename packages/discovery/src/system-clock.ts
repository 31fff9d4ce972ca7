/** The machine's clock. Timers of this package never keep the process alive. */
import type { Clock } from "@drover/base";

const TIMER_MS_MAX = 0x7fffffff;

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer: (at, fn) => {
    const timer = setTimeout(fn, Math.min(Math.max(0, at - Date.now()), TIMER_MS_MAX));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
