import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { encodeConf } from "../core/conf-state.ts";
import { type Entry, EntryKind, type Message } from "../core/types.ts";
import {
  CodecError,
  decodeMessages,
  decodeSnapshotHead,
  encodeMessages,
  encodeSnapshotHead,
} from "./codec.ts";

const int = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const id = fc.string({ maxLength: 40 });
const head = { from: id, to: id, term: int };
const ids = fc.array(id, { maxLength: 4 });
const conf = fc.record({
  voters: ids,
  votersOutgoing: ids,
  learners: ids,
  learnersNext: ids,
  autoLeave: fc.boolean(),
  addresses: fc.dictionary(
    id.filter((key) => key !== "__proto__"),
    id,
    {
      noNullPrototype: true,
    },
  ),
});
const meta = fc.record({ index: int, term: int, conf });
const content = fc.oneof(
  fc.record({
    kind: fc.constantFrom<EntryKind>(EntryKind.normal, EntryKind.noop, EntryKind.session),
    data: fc.uint8Array({ maxLength: 100 }),
  }),
  fc.record({ kind: fc.constant(EntryKind.config), data: conf.map(encodeConf) }),
);

function record<T extends object>(type: string, fields: T): fc.Arbitrary<unknown> {
  return fc.record({ type: fc.constant(type), ...head, ...fields } as Record<
    string,
    fc.Arbitrary<unknown>
  >);
}

const reply = { ok: fc.boolean(), index: int, hintIndex: int, hintTerm: int, readSeq: int };
const keepsLease = fc.constant(true);
const vote = { lastIndex: int, lastTerm: int, forced: fc.boolean(), leaderCrashed: id };
/** Entries follow each other, and none is newer than its message. */
const append = fc
  .record({
    type: fc.constant("append"),
    ...head,
    prevIndex: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 5 }),
    prevTerm: int,
    steps: fc.array(fc.tuple(fc.nat(3), content), { maxLength: 5 }),
    commit: int,
    readSeq: int,
  })
  .map(({ steps, prevTerm: given, term, ...rest }) => {
    const prevTerm = Math.min(given, Math.max(0, term - 3 * steps.length));
    const room = term - prevTerm;
    let entryTerm = prevTerm;
    const entries = steps.map(([rise, { kind, data }], i) => {
      entryTerm += room >= 3 * steps.length ? rise : 0;
      return { index: rest.prevIndex + 1 + i, term: entryTerm, kind, data };
    });
    return { ...rest, term, prevTerm, entries };
  });
const message = fc.oneof(
  append,
  record("appendReply", reply),
  record("appendReply", { ...reply, keepsLease }),
  record("heartbeat", { commit: int, readSeq: int }),
  record("heartbeat", { commit: int, readSeq: int, checkIndex: int }),
  record("heartbeat", {
    commit: int,
    readSeq: int,
    checkIndex: int,
    agreedIndex: int,
    agreedDigest: fc.string(),
  }),
  record("heartbeatReply", { readSeq: int }),
  record("heartbeatReply", { readSeq: int, checkIndex: int, checkDigest: fc.string() }),
  record("heartbeatReply", { readSeq: int, quarantined: fc.boolean() }),
  record("heartbeatReply", { readSeq: int, levelMin: int, levelMax: int }),
  record("heartbeatReply", { readSeq: int, keepsLease }),
  record("heartbeatReply", { readSeq: int, keepsLease, levelMin: int, levelMax: int }),
  record("preVote", vote),
  record("vote", vote),
  record("preVoteReply", { granted: fc.boolean() }),
  record("voteReply", { granted: fc.boolean() }),
  record("snapshot", { meta }),
  record("timeoutNow", {}),
  record("transferRefused", {}),
  record("readIndex", { requestId: int }),
  record("readIndexReply", { requestId: int, index: int }),
) as fc.Arbitrary<Message>;

/** Buffers and plain byte arrays are the same bytes. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, field: unknown) => {
      const data = field as { type?: string; data?: number[] } | Uint8Array | null;
      if (data instanceof Uint8Array) return [...data];
      if (data !== null && typeof data === "object" && data.type === "Buffer") return data.data;
      return field;
    }),
  );
}

test("every message survives the wire", () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 6 }), (messages) => {
      assert.deepEqual(plain(decodeMessages(encodeMessages(messages))), plain(messages));
    }),
    { numRuns: 300 },
  );
});

test("a snapshot's head survives the wire", () => {
  const snapshot = record("snapshot", { meta }) as fc.Arbitrary<Message>;
  fc.assert(
    fc.property(snapshot, meta, (given, received) => {
      const got = decodeSnapshotHead(encodeSnapshotHead(given, received));
      assert.deepEqual(plain(got), plain({ message: given, meta: received }));
    }),
    { numRuns: 100 },
  );
});

test("nothing but messages is let through, whatever the bytes are", () => {
  const valid = encodeMessages([
    { type: "heartbeat", from: "a", to: "b", term: 3, commit: 1, readSeq: 0 },
  ]);
  const mutated = fc
    .tuple(fc.nat(valid.length - 1), fc.nat(255))
    .map(([at, byte]) => valid.map((old, i) => (i === at ? byte : old)));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), mutated), (frame) => {
      try {
        for (const decoded of decodeMessages(frame)) {
          assert.equal(typeof decoded.from, "string");
          assert.ok(Number.isSafeInteger(decoded.term) && decoded.term >= 0);
        }
      } catch (error) {
        assert.ok(error instanceof CodecError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

test("entries that follow each other in no log are not let through", () => {
  const append = { type: "append" as const, from: "a", to: "b", term: 5 };
  const rest = { prevIndex: 7, prevTerm: 3, commit: 0, readSeq: 0 };
  const entry = (index: number, term: number, kind: EntryKind = EntryKind.normal): Entry => {
    return { index, term, kind, data: new Uint8Array([0x7b]) };
  };
  const decode = (...entries: Entry[]) => {
    return decodeMessages(encodeMessages([{ ...append, ...rest, entries }]));
  };
  assert.equal(decode(entry(8, 3), entry(9, 5)).length, 1);
  for (const wrong of [
    [entry(9, 3)],
    [entry(8, 3), entry(10, 3)],
    [entry(8, 2)],
    [entry(8, 5), entry(9, 4)],
    [entry(8, 6)],
    [entry(8, 3, EntryKind.config)],
  ]) {
    assert.throws(() => decode(...wrong), CodecError);
  }
});

test("a decoded entry does not keep the frame it came in alive", () => {
  const data = new Uint8Array(1000);
  const entries = [{ index: 1, term: 1, kind: 0 as const, data }];
  const append = { type: "append" as const, from: "a", to: "b", term: 1, prevIndex: 0 };
  const frame = encodeMessages([{ ...append, prevTerm: 0, entries, commit: 0, readSeq: 0 }]);
  const [decoded] = decodeMessages(frame);
  assert.ok(decoded?.type === "append");
  assert.notEqual(decoded.entries[0]?.data.buffer, frame.buffer);
});
