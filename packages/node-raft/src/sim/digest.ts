/** Cheap running digests: they detect differences between runs and replicas, not attackers. */
import type { Entry, Message } from "../core/types.ts";

const FNV_PRIME = 0x01000193;
const FNV_START = 0x811c9dc5;

/** Two 32-bit lanes over everything that was put in, in order. */
export class Digest {
  #low = FNV_START;
  #high = 0x6c62272e;

  number(value: number): void {
    const low = value | 0;
    const high = Math.floor(value / 2 ** 32) | 0;
    this.#low = Math.imul(this.#low ^ low, FNV_PRIME) ^ (this.#low >>> 15);
    this.#high = Math.imul(this.#high ^ low ^ (high + this.#low), 0x85ebca6b) ^ (this.#high >>> 13);
  }

  text(value: string): void {
    this.number(value.length);
    for (let i = 0; i < value.length; i += 1) this.number(value.charCodeAt(i));
  }

  entry(entry: Entry): void {
    this.number(entry.index);
    this.number(entry.term);
    this.number(digestEntry(entry));
  }

  message(message: Message): void {
    this.text(message.type);
    for (const [key, value] of Object.entries(message)) {
      if (typeof value === "number") this.number(value);
      else if (typeof value === "string" && key !== "type") this.text(value);
      else if (typeof value === "boolean") this.number(value ? 1 : 0);
    }
    if (message.type === "append") for (const entry of message.entries) this.entry(entry);
    if (message.type === "snapshot") this.number(message.meta.index);
  }

  toString(): string {
    const hex = (value: number) => (value >>> 0).toString(16).padStart(8, "0");
    return hex(this.#high) + hex(this.#low);
  }
}

/** Kind and content of an entry, without its place. */
export function digestEntry(entry: Entry): number {
  return digestBytes(entry.data, entry.kind);
}

export function digestBytes(data: Uint8Array, start = 0): number {
  let hash = FNV_START ^ start;
  for (const byte of data) hash = Math.imul(hash ^ byte, FNV_PRIME);
  return hash >>> 0;
}

export function mix(hash: number, value: number): number {
  return (Math.imul(hash ^ value, FNV_PRIME) ^ (hash >>> 15)) >>> 0;
}
