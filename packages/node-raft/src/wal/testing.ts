/** Material for tests of the log and of what lies above it. */
import type { Entry, SnapshotMeta } from "../core/types.ts";

/** A stream of numbers in [0, 1) that depends on the seed only. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 4_294_967_296;
  };
}

export function testEntry(index: number, term: number, bytes = 40): Entry {
  return { index, term, kind: 0, data: new Uint8Array(bytes).fill(index % 251) };
}

export function testMeta(index: number, term: number): SnapshotMeta {
  const conf = { voters: ["m1"], votersOutgoing: [], learners: [], learnersNext: [] };
  return { index, term, conf: { ...conf, autoLeave: false, addresses: { m1: "h:1" } } };
}
