/**
 * The engine's log stream cut into entries. Without a terminal each entry has a header of eight
 * bytes (stream number, three zeros, length); with one the bytes come as they are. Every entry
 * begins with its time, because that was asked for.
 */
export interface LogEntry {
  readonly stream: "stdout" | "stderr";
  /** RFC 3339 with nanoseconds, as the engine wrote it; "" when the entry has none. */
  readonly time: string;
  readonly text: Buffer;
}

const HEADER_BYTES = 8;
const STDERR = 2;
const LINE_END = 10;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d) /;
const TIME_CHARS_MAX = 40;

export class LogFrames {
  readonly #tty: boolean;
  #rest: Buffer = Buffer.alloc(0);

  constructor(options: { readonly tty: boolean }) {
    this.#tty = options.tty;
  }

  /** The entries that `chunk` completes, in order. */
  push(chunk: Buffer): LogEntry[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    return this.#tty ? this.#lines() : this.#frames();
  }

  #frames(): LogEntry[] {
    const entries: LogEntry[] = [];
    let at = 0;
    while (this.#rest.length - at >= HEADER_BYTES) {
      const length = this.#rest.readUInt32BE(at + 4);
      const end = at + HEADER_BYTES + length;
      if (end > this.#rest.length) break;
      const stream = this.#rest[at] === STDERR ? "stderr" : "stdout";
      entries.push(entryOf(stream, this.#rest.subarray(at + HEADER_BYTES, end)));
      at = end;
    }
    this.#rest = this.#rest.subarray(at);
    return entries;
  }

  #lines(): LogEntry[] {
    const entries: LogEntry[] = [];
    let at = 0;
    for (;;) {
      const end = this.#rest.indexOf(LINE_END, at);
      if (end < 0) break;
      entries.push(entryOf("stdout", this.#rest.subarray(at, end + 1)));
      at = end + 1;
    }
    this.#rest = this.#rest.subarray(at);
    return entries;
  }
}

function entryOf(stream: LogEntry["stream"], data: Buffer): LogEntry {
  const match = TIME.exec(data.subarray(0, TIME_CHARS_MAX).toString("latin1"));
  if (match === null) return { stream, time: "", text: data };
  const head = match[0];
  return { stream, time: head.trimEnd(), text: data.subarray(head.length) };
}

/** `2026-11-23T03:17:27.5Z` → `1795404000.500000000`, what the engine takes as `since`. */
export function sinceParameter(time: string): string {
  const seconds = Math.floor(Date.parse(time) / 1000);
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? "";
  return `${seconds}.${fraction.padEnd(9, "0").slice(0, 9)}`;
}

/** Orders two times of the engine; fractions may differ in length. */
export function isAfter(a: string, b: string): boolean {
  if (b === "") return true;
  const left = sinceParameter(a);
  const right = sinceParameter(b);
  return left.length === right.length ? left > right : left.length > right.length;
}
