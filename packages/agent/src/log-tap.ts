/** Lets callers of `/v1/agent/monitor` listen to the log while it is written. */
import type { Log, LogLevel } from "@drover/server";
import { LOG_LEVELS } from "./logging.ts";

export type LogListener = (line: string) => void;

export class LogTap {
  readonly #inner: Log;
  readonly #now: () => number;
  readonly #listeners = new Map<LogListener, number>();

  constructor(inner: Log, now: () => number) {
    this.#inner = inner;
    this.#now = now;
  }

  readonly log: Log = (level, message, fields) => {
    this.#inner(level, message, fields);
    if (this.#listeners.size === 0) return;
    const rank = LOG_LEVELS.indexOf(level);
    const line = this.#line(level, message, fields);
    for (const [listener, lowest] of this.#listeners) if (rank >= lowest) listener(line);
  };

  /** Lines of `level` and above, each with its newline, until the returned function is called. */
  listen(level: LogLevel, listener: LogListener): () => void {
    this.#listeners.set(listener, LOG_LEVELS.indexOf(level));
    return () => this.#listeners.delete(listener);
  }

  #line(level: LogLevel, message: string, fields: Record<string, unknown> | undefined): string {
    const rest = Object.entries(fields ?? {}).map(
      ([key, value]) => ` ${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
    );
    const at = new Date(this.#now()).toISOString();
    const name = `[${level.toUpperCase()}]`.padEnd(7);
    return `${at} ${name} ${message}${rest.length > 0 ? `:${rest.join("")}` : ""}\n`;
  }
}
