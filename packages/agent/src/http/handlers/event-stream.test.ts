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
  readonly Events?: readonly { readonly Topic: string; readonly Key: string }[];
}

/** An event that is not told keeps its reader waiting. */
const BOUNDED = { timeout: 10_000 };

/** A job's event, whose payload is nobody's business here. */
function event(index: number, key: string, filterKeys: readonly string[] = []): StateEvent {
  const fields = { topic: "Custom", type: "Changed", namespace: "default", payload: null };
  return { ...fields, key, filterKeys, index } as unknown as StateEvent;
}

class Stream {
  readonly events = new EventRing();
  readonly #abort = new AbortController();
  #chunks: AsyncIterator<Uint8Array> | null = null;

  append(...events: readonly StateEvent[]): void {
    this.events.append({ index: events[0]?.index ?? 0, events } as never);
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
    const chunk = await this.#chunks?.next();
    return chunk?.done === false ? (JSON.parse(Buffer.from(chunk.value).toString()) as Line) : null;
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
    stream.append(event(3, "alloc", ["web"]));
    const lines = [await stream.next(), await stream.next()];
    assert.deepEqual(
      lines.map((line) => [line?.Index, line?.Events?.map(({ Key }) => Key)]),
      [
        [2, ["web"]],
        [3, ["alloc"]],
      ],
    );
    stream.close();
  },
);

test("a reader too far behind is told so, not served with holes", BOUNDED, async () => {
  const stream = await new Stream().open("");
  for (let index = 1; index <= 10_001; index++) stream.append(event(index, "web"));
  for (let index = 1; index <= 10_000; index++) assert.equal((await stream.next())?.Index, index);
  assert.match((await stream.next())?.Error ?? "", /reader too slow/);
  assert.equal(await stream.next(), null);
});
