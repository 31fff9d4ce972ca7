/** The log in memory against a plain array, and configurations through their bytes. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { decodeConf, encodeConf } from "./conf-state.ts";
import { RaftLog } from "./log.ts";
import type { Entry } from "./types.ts";
import { EntryKind } from "./types.ts";

const RUNS = { numRuns: 200, seed: 20_261 };

const step = fc.oneof(
  fc.record({ kind: fc.constant("append"), count: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant("truncate"), back: fc.integer({ min: 0, max: 5 }) }),
  fc.record({ kind: fc.constant("commit"), by: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ kind: fc.constant("compact"), back: fc.integer({ min: 0, max: 3 }) }),
);

test("the log does what an array does", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const log = new RaftLog(0, 0);
      let terms: number[] = [];
      let term = 1;
      for (const one of steps) {
        if ("count" in one) {
          for (let i = 0; i < one.count; i += 1) {
            log.append(entry(terms.length + 1, term));
            terms.push(term);
          }
        } else if ("by" in one) {
          log.commitTo(Math.min(terms.length, log.commit + one.by));
          log.applying = log.commit;
        } else if (one.kind === "truncate") {
          const from = Math.max(log.commit + 1, terms.length - one.back);
          if (from <= terms.length) log.truncateFrom(from);
          terms = terms.slice(0, Math.max(0, from - 1));
          term += 1;
        } else {
          log.compact(Math.max(0, log.applying - one.back));
        }
        assert.equal(log.lastIndex, terms.length);
        for (let index = log.firstIndex - 1; index <= terms.length; index += 1) {
          assert.equal(log.termAt(index), index === 0 ? 0 : terms[index - 1]);
        }
        assert.equal(log.termAt(log.firstIndex - 2), undefined);
        assert.equal(log.termAt(terms.length + 1), undefined);
      }
    }),
    RUNS,
  );
});

test("the conflict hint skips no entry that could match", () => {
  const ascending = fc
    .array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 12 })
    .map((terms) => terms.sort((a, b) => a - b));
  fc.assert(
    fc.property(ascending, ascending, (mine, theirs) => {
      const log = new RaftLog(0, 0);
      for (const [i, term] of mine.entries()) log.append(entry(i + 1, term));
      const asked = theirs.length;
      const hint = log.findConflictByTerm(asked, theirs[asked - 1] ?? 0);
      for (let index = hint + 1; index <= Math.min(asked, mine.length); index += 1) {
        assert.notEqual(mine[index - 1], theirs[index - 1], `${index} of ${mine} and ${theirs}`);
      }
    }),
    RUNS,
  );
});

test("a configuration survives its bytes", () => {
  const ids = fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 5 });
  const fields = {
    voters: ids,
    votersOutgoing: ids,
    learners: ids,
    learnersNext: ids,
    autoLeave: fc.boolean(),
    addresses: fc.dictionary(
      fc.string({ minLength: 1 }).filter((key) => key !== "__proto__"),
      fc.string({ unit: "binary" }),
      { noNullPrototype: true },
    ),
  };
  const conf = fc.record(fields, { noNullPrototype: true });
  fc.assert(
    fc.property(conf, (value) => {
      const bytes = encodeConf(value);
      assert.ok(bytes.every((byte) => byte < 0x80));
      assert.deepEqual(decodeConf(bytes), value);
    }),
    RUNS,
  );
});

function entry(index: number, term: number): Entry {
  return { index, term, kind: EntryKind.normal, data: new Uint8Array(0) };
}
