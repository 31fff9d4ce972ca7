/** Long work on the thread that also serves heartbeats (DESIGN §7: no slice above 5 ms). */
import { setImmediate as nextTurn } from "node:timers/promises";

const SLICE_MS = 3;

/** Runs `work` to its end, and lets others have their turn at its yields. */
export async function inSlices<T>(work: Generator<void, T, void>): Promise<T> {
  for (;;) {
    const until = performance.now() + SLICE_MS;
    do {
      const step = work.next();
      if (step.done) return step.value;
    } while (performance.now() < until);
    await nextTurn();
  }
}
