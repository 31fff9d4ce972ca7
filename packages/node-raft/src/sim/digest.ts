/** Cheap running digests: they detect differences between runs and replicas, not attackers. */
import type { Entry, Message, SnapshotMeta } from "../core/types.ts";

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
    this.number(digestText(value));
  }

  entry(entry: Entry): void {
    this.number(entry.index);
    this.number(entry.term);
    this.number(digestEntry(entry));
  }

  message(message: Message): void {
    this.text(message.type);
    for (const key in message) {
      const value: unknown = message[key as keyof Message];
      if (typeof value === "number") this.number(value);
      else if (typeof value === "string" && key !== "type") this.text(value);
      else if (typeof value === "boolean") this.number(value ? 1 : 0);
    }
    if (message.type === "append") for (const entry of message.entries) this.entry(entry);
    if (message.type === "snapshot") this.snapshot(message.meta);
  }

  snapshot(meta: SnapshotMeta): void {
    this.number(meta.index);
    this.number(meta.term);
    this.text(JSON.stringify(meta.conf));
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

/** Four bytes at a time; the shift lets their high bits reach the low ones. */
export function digestBytes(data: Uint8Array, start = 0): number {
  const { length } = data;
  const whole = length & ~3;
  let hash = FNV_START ^ start ^ length;
  for (let at = 0; at < whole; at += 4) {
    hash = Math.imul(hash ^ wordAt(data, at), FNV_PRIME);
    hash ^= hash >>> 15;
  }
  for (let at = whole; at < length; at += 1) {
    hash = Math.imul(hash ^ (data[at] as number), FNV_PRIME);
  }
  return hash >>> 0;
}

/** Big-endian. Making a `DataView` costs more than the few words of most entries. */
function wordAt(data: Uint8Array, at: number): number {
  const high = ((data[at] as number) << 8) | (data[at + 1] as number);
  return (high << 16) | ((data[at + 2] as number) << 8) | (data[at + 3] as number);
}

/** Kinds, ids and paths come again and again. */
const TEXTS_MAX = 20_000;
const texts = new Map<string, number>();

function digestText(text: string): number {
  const known = texts.get(text);
  if (known !== undefined) return known;
  let hash = FNV_START ^ text.length;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  if (texts.size >= TEXTS_MAX) texts.clear();
  texts.set(text, hash);
  return hash;
}

export function mix(hash: number, value: number): number {
  return (Math.imul(hash ^ value, FNV_PRIME) ^ (hash >>> 15)) >>> 0;
}
