/** Repeats an act that must succeed in the end (a daemon is down, a disk is full). */
import { type Clock, errorText, type Random } from "@drover/base";
import type { Log } from "../options.ts";

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 30_000;

export interface RetryDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Ends the attempts: the agent is going down, what is left is found again at its next start. */
  readonly closed: AbortSignal;
}

/** Exponential with jitter, at most 30 s; null when the agent went down before it succeeded. */
export async function untilDone<T>(
  deps: RetryDeps,
  what: string,
  act: () => Promise<T>,
): Promise<{ value: T } | null> {
  for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(delayMs * 2, MAX_DELAY_MS)) {
    if (deps.closed.aborted) return null;
    try {
      return { value: await act() };
    } catch (error) {
      if (deps.closed.aborted) return null;
      deps.log("warn", `${what} failed, trying again`, { error: errorText(error), delayMs });
      await sleep(deps, delayMs * (0.75 + 0.5 * deps.random.next()));
    }
  }
}

function sleep(deps: RetryDeps, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const cancel = deps.clock.setTimer(deps.clock.now() + ms, done);
    function done(): void {
      deps.closed.removeEventListener("abort", done);
      cancel();
      resolve();
    }
    deps.closed.addEventListener("abort", done);
  });
}
