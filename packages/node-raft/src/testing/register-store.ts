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

export function encodeCommand({ key, serial, expected }: RegisterCommand): Uint8Array {
  return new TextEncoder().encode(`${key} ${serial} ${expected ?? "-"}`);
}

function decodeCommand(data: Uint8Array): RegisterCommand {
  const [key = "", serial, expected] = new TextDecoder().decode(data).split(" ");
  return { key, serial: Number(serial), expected: expected === "-" ? null : Number(expected) };
}

/** Everything that a snapshot holds. */
interface Saved {
  readonly chain: number;
  readonly values: readonly (readonly [string, number])[];
  readonly outcomes: readonly number[];
}

export class RegisterStore implements StateMachine<number> {
  /** Over all that was applied, with its place. */
  chain = 0;
  /** The serial of every command in order; negative: its value to be replaced was another one. */
  outcomes: number[] = [];
  #values = new Map<string, number>();

  /** Results: 1 = it happened, 0 = it did not. */
  apply(entries: readonly Committed[]): readonly number[] {
    return entries.map(({ index, term, data }) => {
      this.chain = mix(mix(mix(this.chain, index), term), digestBytes(data));
      const { key, serial, expected } = decodeCommand(data);
      const happens = expected === null || expected === this.read(key);
      this.outcomes.push(happens ? serial : -serial);
      if (happens) this.#values.set(key, serial);
      return happens ? 1 : 0;
    });
  }

  /** 0 = never written. */
  read(key: string): number {
    return this.#values.get(key) ?? 0;
  }

  snapshot(): { stream(): AsyncIterable<Uint8Array> } {
    const { chain, outcomes } = this;
    const saved: Saved = { chain, outcomes, values: [...this.#values] };
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
    this.chain = saved.chain;
    this.outcomes = [...saved.outcomes];
    this.#values = new Map(saved.values);
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
