/** The real clock and the real randomness; the only place where the driver touches either. */
import { randomInt, randomUUID } from "node:crypto";
import type { RandomSource } from "../core/options.ts";
import type { RaftTimers } from "./api.ts";

export const realTimers: RaftTimers = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after: (ms, fn) => {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
  soon: (fn) => {
    setImmediate(fn);
  },
  atOnce: (fn) => queueMicrotask(fn),
};

export const realRandom: RandomSource = { int: (bound) => randomInt(bound) };

export function mintMemberId(): string {
  return randomUUID();
}
