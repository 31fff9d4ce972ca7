import assert from "node:assert/strict";
import test from "node:test";
import { rechunk } from "./storage.ts";

/** Bytes that count up, in pieces of the given sizes, each made in the same memory. */
async function* piecesOf(sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  const memory = new Uint8Array(Math.max(0, ...sizes));
  let next = 0;
  for (const size of sizes) {
    for (let at = 0; at < size; at += 1) memory[at] = next++ % 251;
    yield memory.subarray(0, size);
  }
}

for (const [what, sizes] of Object.entries({
  nothing: [],
  "one byte": [1],
  "small pieces": [3, 5, 2, 1, 90, 4],
  "exactly a chunk": [60, 40],
  "a large piece": [1234],
  "one that fills and goes on": [99, 2, 500, 0, 7],
})) {
  test(`chunks of one size, and all the bytes: ${what}`, async () => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of rechunk(piecesOf(sizes), 100)) chunks.push(chunk);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const lengths = chunks.map(({ length }) => length);
    const whole = Array<number>(Math.floor(total / 100)).fill(100);
    assert.deepEqual(lengths, total % 100 === 0 ? whole : [...whole, total % 100]);
    const bytes = [...Buffer.concat(chunks)];
    assert.deepEqual(
      bytes,
      Array.from({ length: total }, (_, i) => i % 251),
    );
    // Each is handed over to another thread, memory and all.
    assert.equal(new Set(chunks.map(({ buffer }) => buffer)).size, chunks.length);
    for (const chunk of chunks) assert.equal(chunk.byteLength, chunk.buffer.byteLength);
  });
}
