/**
 * Registers that are written, and compared and set: the replicated state of the members that run
 * as processes, and the model of it for the linearizability checker.
 */
import type { SnapshotMeta } from "../core/types.ts";
import type { Committed, StateMachine } from "../node/api.ts";
import { digestBytes, mix } from "../sim/digest.ts";
import type { Operation, SequentialModel } from "../sim/linearizability.ts";

export interface RegisterCommand {
  readonly key: string;
  /** The value written; unique in a run, never 0. */
  readonly serial: number;
  /** Only if this is the value; null = whatever it is. */
  readonly expected: number | null;
}

/** From level 2 on a command names the level that it was written for. */
export function encodeCommand(command: RegisterCommand, level = 0): Uint8Array {
  const { key, serial, expected } = command;
  const text = `${key} ${serial} ${expected ?? "-"}`;
  return new TextEncoder().encode(level < 2 ? text : `${text} ${level}`);
}

function decodeCommand(data: Uint8Array): RegisterCommand & { readonly level: number } {
  const [key = "", serial, expected, level = 1] = new TextDecoder().decode(data).split(" ");
  const value = expected === "-" ? null : Number(expected);
  return { key, serial: Number(serial), expected: value, level: Number(level) };
}

/** Everything that a snapshot holds. */
interface Saved {
  readonly chain: number;
  readonly values: readonly (readonly [string, number])[];
  readonly outcomes: readonly number[];
  readonly newest: number;
}

export class RegisterStore implements StateMachine<number> {
  /** Over all that was applied, with its place. */
  chain = 0;
  /** The serial of every command in order; negative: its value to be replaced was another one. */
  outcomes: number[] = [];
  /** The highest level of a command that was applied. */
  newest = 1;
  readonly #understood: number;
  #values = new Map<string, number>();

  /** A program that understands commands up to this level, and stops at one beyond. */
  constructor(understood = Number.POSITIVE_INFINITY) {
    this.#understood = understood;
  }

  /** Results: 1 = it happened, 0 = it did not. */
  apply(entries: readonly Committed[]): readonly number[] {
    return entries.map(({ index, term, data }) => {
      this.chain = mix(mix(mix(this.chain, index), term), digestBytes(data));
      const { key, serial, expected, level } = decodeCommand(data);
      this.#meet(level);
      const happens = expected === null || expected === this.read(key);
      this.outcomes.push(happens ? serial : -serial);
      if (happens) this.#values.set(key, serial);
      return happens ? 1 : 0;
    });
  }

  digest(): string {
    return String(this.chain);
  }

  /** 0 = never written. */
  read(key: string): number {
    return this.#values.get(key) ?? 0;
  }

  snapshot(): { stream(): AsyncIterable<Uint8Array> } {
    const { chain, outcomes, newest } = this;
    const saved: Saved = { chain, outcomes, newest, values: [...this.#values] };
    const bytes = new TextEncoder().encode(JSON.stringify(saved));
    return {
      async *stream() {
        yield bytes;
      },
    };
  }

  async restore(_meta: SnapshotMeta, source: AsyncIterable<Uint8Array>): Promise<void> {
    const pieces: Uint8Array[] = [];
    for await (const piece of source) pieces.push(piece);
    const saved = JSON.parse(Buffer.concat(pieces).toString("utf8")) as Saved;
    this.#meet(saved.newest);
    this.chain = saved.chain;
    this.outcomes = [...saved.outcomes];
    this.#values = new Map(saved.values);
  }

  #meet(level: number): void {
    if (level > this.#understood) {
      throw new Error(`a command of level ${level}, this program understands ${this.#understood}`);
    }
    this.newest = Math.max(this.newest, level);
  }
}

export interface RegisterStep extends Operation {
  readonly key: string;
  readonly kind: "read" | "write" | "swap";
  /** Seen by a read, else the one to be written. */
  readonly value: number;
  /** Of a swap: what it replaces. */
  readonly expected: number;
  /** Of a swap; null: the outcome is unknown. */
  readonly happened: boolean | null;
}

export const registerStoreModel: SequentialModel<number, RegisterStep> = {
  initial: 0,
  effect: ({ kind, happened }) => {
    if (kind !== "swap") return kind;
    return happened === false ? "read" : "update";
  },
  step: (state, { kind, value, expected, happened }) => {
    if (kind === "write") return value;
    if (kind === "read") return state === value ? state : null;
    const fits = state === expected;
    if (happened === null) return fits ? value : state;
    if (happened !== fits) return null;
    return fits ? value : state;
  },
  describe: ({ kind, value, expected, happened }) =>
    kind === "swap" ? `swap of ${expected} for ${value} (${happened})` : `${kind} of ${value}`,
};
