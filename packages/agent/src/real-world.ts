/** The clock and the randomness of the running program; everything below gets them injected. */
import { randomInt } from "node:crypto";
import { uptime } from "node:os";
import type { Clock, Random } from "@drover/base";
import { Uptime } from "./uptime.ts";

/** `setTimeout` fires at once beyond this. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(at, fn) {
    let timer: NodeJS.Timeout;
    const arm = () => {
      const delay = at - Date.now();
      timer =
        delay > TIMEOUT_MAX_MS
          ? setTimeout(arm, TIMEOUT_MAX_MS)
          : setTimeout(fn, Math.max(0, delay));
    };
    arm();
    return () => clearTimeout(timer);
  },
};

/** Unpredictable: ids and tokens are drawn from it, so a fork must not be a small seed. */
export const systemRandom: Random = {
  next: () => randomInt(2 ** 48 - 1) / 2 ** 48,
  int: (max) => randomInt(Math.max(1, max)),
  fork: () => systemRandom,
};

const systemTimes = {
  wall: () => Date.now(),
  awake: () => performance.now(),
  up: () => uptime() * 1_000,
};

/** What a server gets of them. */
export const realWorld = {
  clock: systemClock,
  random: systemRandom,
  uptime: new Uptime(systemTimes).now,
};
