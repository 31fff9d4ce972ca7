/** Cancels a timer; calling it again does nothing. */
export type Cancel = () => void;

/**
 * The only way code of ours learns the time. Edges hold a real one, tests and the simulator a
 * virtual one. Instants are epoch milliseconds.
 */
export interface Clock {
  now(): number;
  /** Calls `fn` once when `now() >= at`. Timers only wake loops; deadlines are stored instants. */
  setTimer(at: number, fn: () => void): Cancel;
}
