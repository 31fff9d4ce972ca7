/** Rules S1 to S7 of SPEC.md. */
import assert from "node:assert/strict";
import test from "node:test";
import type { Entry } from "../core/types.ts";
import { EntryKind } from "../core/types.ts";
import type { ProposalSession } from "./api.ts";
import { Applier } from "./applier.ts";
import { ClientSession } from "./client-session.ts";
import { encodeCommand, encodeOpening } from "./session-entry.ts";
import { type Outcome, SessionMachine } from "./session-machine.ts";
import { bytes, ListMachine } from "./testing.ts";

const NONCE = "0123456789abcdef";
const META = {
  index: 9,
  term: 1,
  conf: {
    voters: [],
    votersOutgoing: [],
    learners: [],
    learnersNext: [],
    autoLeave: false,
    addresses: {},
  },
};

/** A member's state machine, fed with entries of rising index. */
class Member {
  readonly list = new ListMachine();
  readonly machine = new SessionMachine(this.list);
  index = 0;

  apply(...contents: readonly (string | Uint8Array)[]): string[] {
    const entries = contents.map((content): Entry => {
      this.index += 1;
      const plain = typeof content === "string";
      const kind = plain ? EntryKind.normal : EntryKind.session;
      return { index: this.index, term: 1, kind, data: plain ? bytes(content) : content };
    });
    return this.machine.apply(entries).map(describe);
  }

  open(sessionsMax = 10, resultsMax = 10, resultBytesMax = 1_000): string {
    const opening = encodeOpening({ nonce: NONCE, sessionsMax, resultsMax, resultBytesMax });
    return this.apply(opening)[0]?.replace("opened ", "") ?? "";
  }

  async saved(): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    for await (const piece of this.machine.snapshot().stream()) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  /** Another member that starts from `saved`, which comes in pieces of `cut` bytes. */
  static async from(saved: Uint8Array, cut: number, index: number): Promise<Member> {
    const member = new Member();
    member.index = index;
    await member.machine.restore(META, inPieces(saved, cut));
    return member;
  }
}

async function* inPieces(data: Uint8Array, cut: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += cut) yield data.subarray(at, at + cut);
}

function describe(outcome: Outcome<number>): string {
  switch (outcome.kind) {
    case "applied":
      return `${outcome.answer.result} at ${outcome.answer.index}`;
    case "opened":
      return `opened ${outcome.session}`;
    case "refused":
      return outcome.code;
  }
}

function command(session: ProposalSession, text: string): Uint8Array {
  return encodeCommand(session, bytes(text));
}

test("[S1] §8, T§6.3 a command proposed again is not applied again and gets the first result", () => {
  const member = new Member();
  const id = member.open();
  const first = { id, seq: 1, acknowledged: 0 };
  assert.deepEqual(member.apply(command(first, "a")), ["1 at 2"]);
  assert.deepEqual(member.apply("b", command(first, "a")), ["2 at 3", "1 at 2"]);
  assert.deepEqual(member.list.items, ["a", "b"]);
});

test("[S1] a command that comes twice in one batch is applied once, in its place", () => {
  const member = new Member();
  const id = member.open();
  const [one, two] = [1, 2].map((seq) => ({ id, seq, acknowledged: 0 }));
  assert.ok(one !== undefined && two !== undefined);
  const batch = ["x", command(one, "a"), command(two, "b"), command(one, "a"), "y"];
  const outcomes = ["1 at 2", "2 at 3", "3 at 4", "2 at 3", "4 at 6"];
  assert.deepEqual(member.apply(...batch), outcomes);
  assert.deepEqual(member.list.items, ["x", "a", "b", "y"]);
  // However the entries are cut into batches, the state is the same.
  const other = new Member();
  other.open();
  assert.deepEqual(
    batch.flatMap((content) => other.apply(content)),
    outcomes,
  );
});

test("[S2] sessions and their results are in the snapshot, however it is cut", async () => {
  const member = new Member();
  const [a, b] = [member.open(), member.open()];
  member.apply(command({ id: a, seq: 1, acknowledged: 0 }, "kept"));
  member.apply(command({ id: b, seq: 7, acknowledged: 0 }, "too"));
  const saved = await member.saved();
  for (const cut of [1, 7, 4096]) {
    const other = await Member.from(saved, cut, member.index);
    assert.deepEqual(other.list.items, ["kept", "too"]);
    const again = [a, b].map((id, i) => command({ id, seq: [1, 7][i] ?? 0, acknowledged: 0 }, "!"));
    assert.deepEqual(other.apply(...again), ["1 at 3", "2 at 4"]);
    assert.deepEqual(other.list.items, ["kept", "too"]);
  }
});

test("[S2] a snapshot shows the moment it was taken at, whatever is applied meanwhile", async () => {
  const member = new Member();
  const id = member.open();
  member.apply(command({ id, seq: 1, acknowledged: 0 }, "before"));
  const capture = member.machine.snapshot();
  const index = member.index;
  member.apply(command({ id, seq: 2, acknowledged: 1 }, "after"));
  member.open();
  const pieces: Uint8Array[] = [];
  for await (const piece of capture.stream()) pieces.push(piece);
  const other = await Member.from(Buffer.concat(pieces), 100, index);
  assert.deepEqual(other.apply(command({ id, seq: 1, acknowledged: 0 }, "!")), ["1 at 2"]);
  assert.deepEqual(other.apply(command({ id, seq: 2, acknowledged: 1 }, "after")), ["2 at 4"]);
});

test("[S3] T§6.3 a command of a session that nobody knows is refused and not applied", () => {
  const member = new Member();
  const id = member.open();
  const foreign = { id: `${id}0`, seq: 1, acknowledged: 0 };
  assert.deepEqual(member.apply(command(foreign, "x")), ["session-expired"]);
  assert.deepEqual(member.list.items, []);
  assert.notEqual(member.open(), id);
});

test("[S4] the session unused for longest is forgotten, on every member alike", async () => {
  const member = new Member();
  const [a, b] = [member.open(2), member.open(2)];
  member.apply(command({ id: a, seq: 1, acknowledged: 0 }, "a1"));
  const other = await Member.from(await member.saved(), 50, member.index);
  for (const each of [member, other]) {
    const c = each.open(2);
    const outcomes = [a, b, c].map((id) => {
      return each.apply(command({ id, seq: 1, acknowledged: 0 }, `${id === c}`))[0];
    });
    assert.deepEqual(outcomes, ["1 at 3", "session-expired", "2 at 7"]);
  }
});

test("[S4] a session holds so many results, and a command beyond them is not applied", () => {
  const member = new Member();
  const id = member.open(10, 2);
  const ask = (seq: number, acknowledged = 0) => command({ id, seq, acknowledged }, `${seq}`);
  assert.deepEqual(member.apply(ask(1), ask(2), ask(3)), ["1 at 2", "2 at 3", "refused"]);
  assert.deepEqual(member.apply(ask(3, 1), ask(2, 1)), ["3 at 5", "2 at 3"]);
  assert.deepEqual(member.list.items, ["1", "2", "3"]);
});

test("[S7] a session holds so many bytes of results, and a command beyond them is not applied", async () => {
  const member = new Member();
  // The results are numbers of one byte each.
  const id = member.open(10, 10, 2);
  const ask = (seq: number, acknowledged = 0) => command({ id, seq, acknowledged }, `${seq}`);
  assert.deepEqual(member.apply(ask(1)), ["1 at 2"]);
  assert.deepEqual(member.apply(ask(2)), ["2 at 3"]);
  const other = await Member.from(await member.saved(), 9, member.index);
  for (const each of [member, other]) {
    assert.deepEqual(each.apply(ask(3), ask(2)), ["refused", "2 at 3"]);
    assert.deepEqual(each.apply(ask(3, 1)), ["3 at 6"]);
    assert.deepEqual(each.apply(ask(4, 1)), ["refused"]);
    assert.deepEqual(each.list.items, ["1", "2", "3"]);
  }
});

test("[S7] however the entries are cut into batches, the same ones are refused", () => {
  const run = (cut: number): string[] => {
    const member = new Member();
    const [a, b] = [member.open(10, 10, 1), member.open(10, 10, 2)];
    const entries = [1, 2, 3, 4, 5].flatMap((seq) => {
      return [a, b].map((id) =>
        command({ id, seq, acknowledged: seq === 4 ? 2 : 0 }, `${id} ${seq}`),
      );
    });
    const outcomes: string[] = [];
    for (let at = 0; at < entries.length; at += cut) {
      outcomes.push(...member.apply(...entries.slice(at, at + cut)));
    }
    return [...outcomes, ...member.list.items];
  };
  const alone = run(1);
  assert.equal(alone.filter((outcome) => outcome === "refused").length, 4);
  for (const cut of [2, 3, 7, 10]) assert.deepEqual(run(cut), alone, `${cut} at once`);
});

test("[S7] [S6] a session that an older program opened has no such bound", async () => {
  const member = new Member();
  const opening = new Uint8Array([1, 9, 0, 0, 0, 99, 0, 0, 0, ...bytes(NONCE)]);
  const [opened = ""] = member.apply(opening);
  const id = opened.replace("opened ", "");
  assert.equal(id, `1-${NONCE}`);
  const ask = (seq: number) => command({ id, seq, acknowledged: 0 }, `${seq}`);
  const all = Array.from({ length: 50 }, (_, i) => ask(i + 1));
  assert.ok(!member.apply(...all).includes("refused"));
  const other = await Member.from(await member.saved(), 99, member.index);
  assert.deepEqual(other.apply(ask(51)), ["51 at 52"]);
});

test("[S5] T§6.3 what is acknowledged is forgotten, and refused when it comes late", () => {
  const member = new Member();
  const id = member.open();
  const ask = (seq: number, acknowledged: number) => {
    return command({ id, seq, acknowledged }, `${seq}`);
  };
  // In one batch: the first is acknowledged before the state machine has answered it.
  assert.deepEqual(member.apply(ask(1, 0), ask(2, 1), ask(1, 0)), ["1 at 2", "2 at 3", "refused"]);
  assert.deepEqual(member.apply(ask(1, 0)), ["refused"]);
  assert.deepEqual(member.list.items, ["1", "2"]);
});

test("[S5] a client acknowledges up to the first outcome that it lacks", () => {
  const client = new ClientSession("s");
  assert.deepEqual(client.next(), { id: "s", seq: 1, acknowledged: 0 });
  assert.deepEqual(client.next(), { id: "s", seq: 2, acknowledged: 0 });
  client.answered(2);
  assert.deepEqual(client.next(), { id: "s", seq: 3, acknowledged: 0 });
  client.answered(1);
  assert.deepEqual(client.next(), { id: "s", seq: 4, acknowledged: 2 });
});

test("[S6] without sessions a snapshot is the state as it is, and one from before is read", async () => {
  const member = new Member();
  member.apply("a", "b");
  const saved = await member.saved();
  assert.deepEqual(Buffer.from(saved).toString(), '["a","b"]');
  const other = await Member.from(saved, 3, member.index);
  assert.deepEqual(other.apply("c"), ["3 at 3"]);
  // A state that begins like sessions is still told apart from them.
  const sneaky = new Member();
  sneaky.open();
  const head = (await sneaky.saved()).subarray(0, 16);
  const state = Buffer.concat([head, bytes("rest")]);
  const read: Uint8Array[] = [];
  const raw = new SessionMachine<number>({
    apply: () => [],
    snapshot: () => ({ stream: () => inPieces(state, 5) }),
    restore: async (_meta, source) => {
      for await (const piece of source) read.push(piece);
    },
  });
  const written: Uint8Array[] = [];
  for await (const piece of raw.snapshot().stream()) written.push(piece);
  await raw.restore(META, inPieces(Buffer.concat(written), 7));
  assert.deepEqual(Buffer.concat(read), state);
});

test("[S6] an entry of a kind from the future stops the member instead of being skipped", () => {
  const deps = {
    machine: new SessionMachine(new ListMachine()),
    upTo: () => Number.MAX_SAFE_INTEGER,
    timers: { now: () => 0, after: () => () => {}, soon: () => {}, atOnce: () => {} },
    applied: () => {},
    reached: () => {},
    again: () => {},
  };
  const applier = new Applier<number>(deps, 0);
  applier.add([{ index: 1, term: 1, kind: 9 as never, data: bytes("x") }]);
  assert.throws(() => applier.run(), /entry 1 is of kind 9/);
  const broken = { index: 1, term: 1, kind: EntryKind.session, data: Uint8Array.from([9]) };
  assert.throws(() => deps.machine.apply([broken]), /type 9 is not known/);
});
