/** Fires at an instant of the clock, never before it: machine timers may be a moment early. */
import type { Cancel, Clock } from "@drover/base";

export function timerAt(clock: Clock, at: number, fn: () => void): Cancel {
  let cancel = clock.setTimer(at, fire);
  function fire(): void {
    if (clock.now() >= at) fn();
    else cancel = clock.setTimer(at, fire);
  }
  return () => cancel();
}
