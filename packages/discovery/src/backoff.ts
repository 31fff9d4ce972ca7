/** Repeats an attempt with growing pauses until it succeeds, may not succeed, or is given up. */
import type { Clock } from "@drover/base";

export interface BackoffOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly minMs: number;
  readonly maxMs: number;
  /** False ends the repetition: the error goes to the caller. */
  readonly retryable: (error: unknown) => boolean;
  /** Aborted when trying again at once makes sense; read anew before each pause. */
  readonly hurry?: () => AbortSignal;
  readonly onRetry?: (error: unknown, pauseMs: number) => void;
}

/** Rejects with the attempt's error when it is not retryable, or with the signal's reason. */
export async function retrying<T>(attempt: () => Promise<T>, options: BackoffOptions): Promise<T> {
  let pauseMs = options.minMs;
  for (;;) {
    const hurry = options.hurry?.();
    options.signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (options.signal.aborted || !options.retryable(error)) throw error;
      options.onRetry?.(error, pauseMs);
    }
    const signals = hurry === undefined ? [options.signal] : [options.signal, hurry];
    await pause(options.clock, pauseMs, AbortSignal.any(signals));
    pauseMs = hurry?.aborted ? options.minMs : Math.min(pauseMs * 2, options.maxMs);
  }
}

/** Resolves after `ms` or as soon as `signal` is aborted, whichever comes first. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      cancel();
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const cancel = clock.setTimer(clock.now() + ms, finish);
    signal.addEventListener("abort", finish, { once: true });
  });
}
