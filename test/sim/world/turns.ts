/**
 * Turns of the event loop under the simulator's hand. What production code puts off by
 * `setImmediate` is kept here and run before simulated time goes on.
 */
import { syncBuiltinESMExports } from "node:module";
import timersPromises from "node:timers/promises";
import { drainedSteps } from "@raft/node-raft/sim";

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
  return drainedSteps(() => {
    if (waiting.length === 0) return step();
    const now = waiting;
    waiting = [];
    for (const fn of now) fn();
    return true;
  });
}
