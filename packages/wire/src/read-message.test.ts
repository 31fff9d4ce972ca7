import assert from "node:assert/strict";
import test from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { Packr } from "msgpackr";
import { decodeMessage, encodeMessage } from "./codec.ts";
import { readMessage, UNREAD } from "./read-message.ts";

const library = new Packr({ useRecords: false, moreTypes: false, int64AsType: "number" });

const key = fc.oneof(
  fc.constantFrom("id", "name", "modifyIndex", "taskStates", "constructor", "toString", "7"),
  fc.string({ unit: "binary", maxLength: 60 }).filter((text) => text !== "__proto__"),
);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: "medium", withCrossShrink: true },
    fc.constantFrom(null, undefined, true, false),
    fc.constantFrom(0, -1, 127, 128, 255, 65_536, 2 ** 32, -(2 ** 31)),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double(),
    fc.string({ unit: "binary", maxLength: 100 }),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc.array(tie("tree"), { maxLength: 20 }),
    fc.dictionary(key, tie("tree"), { maxKeys: 80, noNullPrototype: true }),
  ),
}));

test("what was written is read as the library reads it, whatever came before", () => {
  fc.assert(
    fc.property(tree, (value) => {
      const bytes = encodeMessage(value);
      // Often enough for a shape of its own.
      for (let i = 0; i < 20; i++) {
        const read = readMessage(bytes);
        assert.notEqual(read, UNREAD);
        assert.deepEqual(read, library.unpack(bytes));
        assert.deepEqual(JSON.stringify(read), JSON.stringify(library.unpack(bytes)));
      }
    }),
    { numRuns: 300 },
  );
});

test("words that take one another's place stay what they are", () => {
  // More of one length than are remembered, so that many have to share a place.
  const words = Array.from({ length: 20_000 }, (_, i) => `word-${String(i).padStart(5, "0")}`);
  const bytes = encodeMessage(words);
  for (let i = 0; i < 2; i++) {
    const read = readMessage(bytes) as readonly string[];
    assert.deepEqual(
      words.filter((word, at) => read[at] !== word),
      [],
    );
  }
});

test("of damaged bytes nothing is made that the library would not make", () => {
  fc.assert(
    fc.property(tree, fc.nat(), fc.nat({ max: 255 }), fc.boolean(), (value, seed, byte, cuts) => {
      const whole = Buffer.from(encodeMessage(value));
      const at = seed % whole.length;
      const bytes = cuts ? whole.subarray(0, at) : Buffer.from(whole).fill(byte, at, at + 1);
      let expected: unknown;
      try {
        expected = library.unpack(bytes);
      } catch {
        assert.throws(() => decodeMessage(bytes));
        return;
      }
      assert.deepEqual(decodeMessage(bytes), expected);
    }),
    { numRuns: 1_000 },
  );
});

const wide = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, i]));
const CASES: readonly [string, unknown][] = [
  ["a map with more keys than any schema has", wide],
  ["a long list", Array.from({ length: 70_000 }, (_, i) => i)],
  ["a long text that is not ASCII", "\u00e4\u4e16\u{1f600}".repeat(30_000)],
  ["a short text that is not ASCII", "\u00e4"],
  ["numbers of eight bytes", [2 ** 53 - 1, -(2 ** 53 - 1), 1e300, Number.NaN]],
  ["a date, which only the library reads", [new Date(86_400_000)]],
];
for (const [name, value] of CASES) {
  test(`reads ${name}`, () => {
    const bytes = encodeMessage(value);
    assert.deepEqual(decodeMessage(bytes), library.unpack(bytes));
  });
}

test("a key cannot replace the prototype", () => {
  const bytes = encodeMessage(JSON.parse('{"a":1,"__proto__":{"evil":true}}'));
  for (let i = 0; i < 20; i++) {
    const read = decodeMessage(bytes) as Record<string, unknown>;
    assert.equal(Object.getPrototypeOf(read), Object.prototype);
    assert.equal(read.evil, undefined);
  }
});

test("nested deeper than the stack is refused", () => {
  const bytes = Buffer.alloc(1 << 20, 0x91);
  assert.equal(readMessage(bytes), UNREAD);
  assert.equal(readMessage(encodeMessage({ still: "reads" })) === UNREAD, false);
});

test("what is kept of a message does not keep the rest of it", () => {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  const kept: unknown[] = [];
  const before = heapAfter(gc);
  for (let i = 0; i < 500; i++) {
    const filler = Array.from({ length: 200 }, (_, j) => `a name of its own ${i} ${j}`);
    const bytes = encodeMessage({ id: `alloc-${i}-0000`, node: `node-${i}`, filler });
    const { id, node } = decodeMessage(bytes) as { readonly id: string; readonly node: string };
    kept.push([id, node]);
  }
  const bytesEach = (heapAfter(gc) - before) / kept.length;
  // The messages have 5 KB each; the words that are remembered are a part of what is seen here.
  assert.ok(bytesEach < 2_000, `${bytesEach} bytes each`);
});

function heapAfter(gc: () => void): number {
  gc();
  return process.memoryUsage().heapUsed;
}
