/**
 * Turns of the event loop under the simulator's hand. What production code puts off by
 * `setImmediate` is kept here and run before simulated time goes on; and since Node runs all ready
 * promise callbacks between two immediates, many turns fit into one round of the real loop, which
 * otherwise asks the kernel each time whether a socket has become ready.
 */
import { syncBuiltinESMExports } from "node:module";
import timersPromises from "node:timers/promises";

const TURNS_PER_ROUND = 64;

const later = globalThis.setImmediate;
const laterPromise = timersPromises.setImmediate;

let waiting: (() => void)[] = [];

function put(fn: () => void): void {
  waiting.push(fn);
}

/** From now on, until the returned function is called. */
export function takeTurns(): () => void {
  waiting = [];
  globalThis.setImmediate = put as unknown as typeof setImmediate;
  timersPromises.setImmediate = (() => new Promise<void>(put)) as typeof laterPromise;
  syncBuiltinESMExports();
  return () => {
    globalThis.setImmediate = later;
    timersPromises.setImmediate = laterPromise;
    syncBuiltinESMExports();
  };
}

/** Calls `step` until it returns false; all that a step set off comes to rest before the next. */
export function runSteps(step: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let ended = false;
    const turn = (): void => {
      if (ended) return;
      try {
        if (waiting.length > 0) {
          const now = waiting;
          waiting = [];
          for (const fn of now) fn();
        } else if (!step()) {
          ended = true;
          resolve();
        }
      } catch (error) {
        ended = true;
        reject(error);
      }
    };
    const round = (): void => {
      if (ended) return;
      for (let count = 0; count < TURNS_PER_ROUND; count += 1) later(turn);
      later(round);
    };
    round();
  });
}
