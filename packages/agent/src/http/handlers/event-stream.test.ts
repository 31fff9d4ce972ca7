import assert from "node:assert/strict";
import test from "node:test";
import { EventRing, type Server } from "@drover/server";
import type { StateEvent } from "@drover/state";
import type { RequestContext } from "../handler.ts";
import { parseQuery } from "../query.ts";
import { eventStream } from "./event-stream.ts";

interface Line {
  readonly Index?: number;
  readonly Error?: string;
  readonly ResumeIndex?: number;
  readonly Gap?: { readonly From: number; readonly To: number };
  readonly Events?: readonly { readonly Topic: string; readonly Key: string }[];
}

/** An event that is not told keeps its reader waiting. */
const BOUNDED = { timeout: 10_000 };

/** An event whose payload is nobody's business here. */
function event(index: number, key: string, more: Partial<StateEvent> = {}): StateEvent {
  const fields = { topic: "Custom", type: "Changed", namespace: "default", payload: null };
  return { ...fields, filterKeys: [], ...more, key, index } as unknown as StateEvent;
}

class Stream {
  readonly events: EventRing;
  readonly #abort = new AbortController();
  #chunks: AsyncIterator<Uint8Array> | null = null;
  #lines: Line[] = [];
  #begun = "";
  /** Of each piece that was sent. */
  readonly pieces: number[] = [];

  constructor(events = new EventRing()) {
    this.events = events;
  }

  append(...events: readonly StateEvent[]): void {
    this.events.append({ index: events[0]?.index ?? 0, events, bytes: 100 });
  }

  async open(text: string): Promise<this> {
    const query = parseQuery(new URLSearchParams(text), { held: false });
    const context = { query, signal: this.#abort.signal } as RequestContext;
    const clock = { now: () => 0, setTimer: () => () => undefined };
    const server = { events: this.events, clock } as unknown as Server;
    const { stream } = await eventStream.run(context, server);
    assert.ok(stream);
    this.#chunks = stream.chunks[Symbol.asyncIterator]();
    assert.deepEqual(await this.next(), {}, "the first line says that the stream is open");
    return this;
  }

  /** null = the stream has ended. */
  async next(): Promise<Line | null> {
    while (this.#lines.length === 0) {
      const chunk = await this.#chunks?.next();
      if (chunk?.done !== false) return null;
      this.pieces.push(chunk.value.byteLength);
      const parts = (this.#begun + Buffer.from(chunk.value).toString()).split("\n");
      this.#begun = parts.pop() ?? "";
      this.#lines = parts.map((part) => JSON.parse(part) as Line);
    }
    return this.#lines.shift() ?? null;
  }

  /** The keys of the next lines with events. */
  async keys(lines: number): Promise<(readonly string[] | undefined)[]> {
    const seen = [];
    for (let at = 0; at < lines; at++) {
      seen.push((await this.next())?.Events?.map(({ Key }) => Key));
    }
    return seen;
  }

  close(): void {
    this.#abort.abort();
  }
}

test("every event comes once and in order, though its reader is slow", BOUNDED, async () => {
  const stream = await new Stream().open("");
  for (let index = 1; index <= 500; index++) stream.append(event(index, `j${index}`));
  for (let index = 1; index <= 500; index++) {
    const line = await stream.next();
    assert.equal(line?.Index, index);
    assert.equal(line?.Events?.[0]?.Key, `j${index}`);
  }
  stream.close();
  assert.equal(await stream.next(), null);
});

test("a reader waits for what comes next", BOUNDED, async () => {
  const stream = await new Stream().open("");
  const coming = stream.next();
  stream.append(event(3, "late"));
  assert.equal((await coming)?.Index, 3);
  stream.close();
});

test(
  "a topic with a key lets only that object through, by any name that it has",
  BOUNDED,
  async () => {
    const stream = new Stream();
    stream.append(event(1, "other"));
    await stream.open("topic=Nothing&topic=Custom:web&index=1");
    stream.append(event(2, "web"), event(2, "other"));
    stream.append(event(3, "alloc", { filterKeys: ["web"] }));
    assert.deepEqual(await stream.keys(2), [["web"], ["alloc"]]);
    stream.close();
  },
);

test("a namespace lets its own objects and those without one through", BOUNDED, async () => {
  const events = new EventRing();
  const own = await new Stream(events).open("");
  const other = await new Stream(events).open("namespace=apart");
  const all = await new Stream(events).open("namespace=*");
  own.append(event(1, "a"), event(1, "b", { namespace: "apart" }));
  own.append(event(2, "node", { namespace: "" }));
  assert.deepEqual(await own.keys(2), [["a"], ["node"]]);
  assert.deepEqual(await other.keys(2), [["b"], ["node"]]);
  assert.deepEqual(await all.keys(2), [["a", "b"], ["node"]]);
});

test("from an index on nothing is lost and nothing comes twice", BOUNDED, async () => {
  const events = new EventRing();
  const first = await new Stream(events).open("");
  for (let index = 1; index <= 30; index++) first.append(event(index, `j${index}`));
  let last = 0;
  while (last < 12) last = (await first.next())?.Index ?? 0;
  first.close();
  const again = await new Stream(events).open(`index=${last + 1}`);
  for (let index = 31; index <= 40; index++) again.append(event(index, `j${index}`));
  for (let index = 13; index <= 40; index++) assert.equal((await again.next())?.Index, index);
});

test(
  "what is not here any more is marked, for new readers and after a snapshot",
  BOUNDED,
  async () => {
    const events = new EventRing();
    events.reset(10);
    const stream = await new Stream(events).open("index=4");
    assert.deepEqual(await stream.next(), { Gap: { From: 4, To: 10 } });
    stream.append(event(11, "a"));
    assert.equal((await stream.next())?.Index, 11);
    const coming = stream.next();
    events.reset(50);
    assert.deepEqual(await coming, { Gap: { From: 12, To: 50 } });
    stream.append(event(51, "b"));
    assert.equal((await stream.next())?.Index, 51);
  },
);

test("a reader too slow for the ring is told so, and where to resume", BOUNDED, async () => {
  const limits = { entries: 100, events: 10_000, bytes: 1 << 20 };
  const stream = await new Stream(new EventRing(limits)).open("");
  for (let index = 1; index <= 101; index++) stream.append(event(index, "web"));
  const last = await stream.next();
  assert.match(last?.Error ?? "", /reader too slow/);
  assert.equal(last?.ResumeIndex, 1);
  assert.equal(last?.Index, undefined, "clients of Nomad take it for a heartbeat");
  assert.equal(await stream.next(), null);
});

test("an entry with thousands of events is one line, sent in small pieces", BOUNDED, async () => {
  const stream = await new Stream().open("");
  stream.append(...Array.from({ length: 5_000 }, (_, at) => event(7, `key-${at}`)));
  const all = await stream.next();
  assert.equal(all?.Events?.length, 5_000);
  assert.equal(all?.Index, 7);
  assert.ok(stream.pieces.length > 5);
  assert.ok(Math.max(...stream.pieces) < 100_000, `the largest has ${Math.max(...stream.pieces)}`);
});
