/**
 * What happened: a hash over all of it, counts by kind, and the last lines for a failure report.
 */
import type { Message } from "../core/types.ts";
import { Digest } from "./digest.ts";

const KEPT_LINES = 200;

export class Trace {
  readonly #tallies = new Map<string, { total: number }>();
  /** By kind and type of message: texts that are put together anew are slow to look up. */
  readonly #messageKinds = new Map<string, Map<string, string>>();
  readonly #digest = new Digest();
  readonly #now: () => number;
  readonly #keep: boolean;
  #lines: string[] = [];

  /** `keep`: lines cost more than the rest of the run, so they are made on demand only. */
  constructor(now: () => number, keep: boolean) {
    this.#now = now;
    this.#keep = keep;
  }

  count(kind: string, by = 1): void {
    const tally = this.#tallies.get(kind);
    if (tally === undefined) this.#tallies.set(kind, { total: by });
    else tally.total += by;
  }

  get counts(): ReadonlyMap<string, number> {
    return new Map([...this.#tallies].map(([kind, { total }]) => [kind, total]));
  }

  /** An event with its content as numbers and texts. */
  note(kind: string, ...parts: readonly (number | string)[]): void {
    this.count(kind);
    this.#digest.text(kind);
    this.#digest.number(Math.round(this.#now() * 1000));
    for (const part of parts) {
      if (typeof part === "number") this.#digest.number(part);
      else this.#digest.text(part);
    }
    if (this.#keep) this.#line(`${kind} ${parts.join(" ")}`);
  }

  message(kind: string, message: Message): void {
    this.count(this.#messageKind(kind, message.type));
    this.#digest.text(kind);
    this.#digest.number(Math.round(this.#now() * 1000));
    this.#digest.message(message);
    if (this.#keep) this.#line(`${kind} ${describe(message)}`);
  }

  get hash(): string {
    return this.#digest.toString();
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  #messageKind(kind: string, type: string): string {
    const names = this.#messageKinds.get(kind) ?? new Map<string, string>();
    const known = names.get(type);
    if (known !== undefined) return known;
    const name = `${kind} ${type}`;
    this.#messageKinds.set(kind, names.set(type, name));
    return name;
  }

  #line(text: string): void {
    this.#lines.push(`${this.#now().toFixed(3).padStart(10)} ${text}`);
    if (this.#lines.length > 2 * KEPT_LINES) this.#lines = this.#lines.slice(-KEPT_LINES);
  }
}

function describe(message: Message): string {
  const { type, from, to, term, ...rest } = message;
  const fields = Object.entries(rest).map(([key, value]) => {
    if (key === "entries" && message.type === "append") {
      return `entries=[${message.entries.map((e) => `${e.index}@${e.term}`).join(" ")}]`;
    }
    return `${key}=${typeof value === "object" ? JSON.stringify(value) : value}`;
  });
  return `${from}->${to} ${type} term=${term} ${fields.join(" ")}`;
}
