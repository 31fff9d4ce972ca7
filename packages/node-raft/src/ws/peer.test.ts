/** What is done with messages that a member cannot be sent now, and when it counts as gone. */
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import type { Message } from "../core/types.ts";
import { decodeMessages } from "./codec.ts";
import type { Hello, Link, LinkEvents } from "./link.ts";
import { Peer } from "./peer.ts";

const MIB = 1024 * 1024;
const PING_MS = 3_000;

class FakeLink {
  ready = false;
  bufferedBytes = 0;
  readonly frames: Uint8Array[] = [];
  ended = "";
  pong = (): void => {};
  readonly events: LinkEvents | null;
  readonly socket = {
    on: (_event: string, fn: () => void) => {
      this.pong = fn;
    },
    ping: () => {},
  };

  constructor(events: LinkEvents | null = null) {
    this.events = events;
  }

  send(frame: Uint8Array): void {
    this.frames.push(frame);
  }

  close(_code: number, reason: string): void {
    this.ended = reason;
  }

  terminate(reason: string): void {
    this.ended = reason;
  }

  open(): void {
    this.ready = true;
    this.events?.ready({ member: "b" } as Hello);
  }

  /** The other side is gone, or was never there. */
  lose(refused = false): void {
    const wasReady = this.ready;
    this.ready = false;
    this.events?.closed("gone", wasReady, refused);
  }

  get link(): Link {
    return this as unknown as Link;
  }
}

function made(t: TestContext, random = 1) {
  const clock = { now: 1_000 };
  t.mock.reset();
  t.mock.timers.reset();
  t.mock.method(performance, "now", () => clock.now);
  t.mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
  const dialled: { at: number; link: FakeLink }[] = [];
  const told: string[] = [];
  const peer = new Peer("b", {
    dial: (_address, events) => {
      const link = new FakeLink(events);
      dialled.push({ at: clock.now, link });
      return link.link;
    },
    frame: () => {},
    crashed: () => told.push("crashed"),
    unreachable: () => told.push("unreachable"),
    note: () => {},
    random: () => random,
  });
  const send = async (...messages: readonly Message[]): Promise<void> => {
    peer.send("b:1", messages);
    await Promise.resolve();
  };
  const newest = (): FakeLink => {
    const { link } = dialled.at(-1) ?? {};
    assert.ok(link !== undefined, "nobody was dialled");
    return link;
  };
  return { clock, peer, dialled, told, send, newest };
}

function heartbeat(readSeq = 0): Message {
  return { type: "heartbeat", from: "a", to: "b", term: 1, commit: 0, readSeq };
}

function append(index: number, bytes: number): Message {
  const entries = [{ index, term: 1, kind: 0 as const, data: new Uint8Array(bytes) }];
  const place = { prevIndex: index - 1, prevTerm: index > 1 ? 1 : 0, commit: 0, readSeq: 0 };
  return { type: "append", from: "a", to: "b", term: 1, ...place, entries };
}

test("what is said while a connection is being made is kept, up to a bound", async (t) => {
  const { told, send, newest } = made(t);
  await send(...Array.from({ length: 1_024 }, (_, i) => heartbeat(i)));
  assert.deepEqual(told, []);
  newest().open();
  const sent = newest().frames.flatMap((frame) => decodeMessages(frame));
  assert.equal(sent.length, 1_024);

  const other = made(t);
  await other.send(...Array.from({ length: 1_025 }, (_, i) => heartbeat(i)));
  assert.deepEqual(other.told, ["unreachable"]);
  other.newest().open();
  assert.deepEqual(other.newest().frames, []);
});

test("a member that does not read what it is sent is sent no more, and counts as unreachable", async (t) => {
  const { told, send, newest } = made(t);
  await send(heartbeat());
  newest().open();
  newest().bufferedBytes = 16 * MIB;
  await send(heartbeat());
  assert.deepEqual([newest().frames.length, told], [2, []]);
  newest().bufferedBytes += 1;
  await send(heartbeat());
  assert.deepEqual([newest().frames.length, told], [2, ["unreachable"]]);
});

test("one turn is one frame, as long as that is not too large", async (t) => {
  const { send, newest } = made(t);
  await send(heartbeat());
  newest().open();
  await send(heartbeat(), append(1, 100), append(2, 100), heartbeat());
  assert.equal(newest().frames.length, 2);
  await send(append(3, 3 * MIB), append(4, 3 * MIB), append(5, 3 * MIB));
  const sizes = newest()
    .frames.slice(2)
    .map((frame) => decodeMessages(frame).length);
  assert.deepEqual(sizes, [2, 1]);
});

test("a member that is not there is dialled ever more seldom, and not by all at once", async (t) => {
  for (const [random, share] of [
    [0, 0.5],
    [1, 1],
  ] as const) {
    const { clock, dialled, send } = made(t, random);
    for (; dialled.length < 9; clock.now += 0.5) {
      await send(heartbeat());
      if (dialled.at(-1)?.at === clock.now) dialled.at(-1)?.link.lose();
    }
    const waits = dialled.slice(1).map(({ at }, i) => at - (dialled[i]?.at ?? 0));
    const whole = [25, 50, 100, 200, 400, 800, 1_000, 1_000];
    assert.deepEqual(
      waits,
      whole.map((ms) => ms * share),
    );
  }
});

test("a host that vanished without a word is given away by a ping that nobody answers", async (t) => {
  const { clock, send, newest } = made(t);
  await send(heartbeat());
  newest().open();
  for (let i = 0; i < 10; i += 1) {
    clock.now += PING_MS;
    t.mock.timers.tick(PING_MS);
    newest().pong();
  }
  assert.equal(newest().ended, "");
  for (let i = 0; i < 4; i += 1) {
    clock.now += PING_MS;
    t.mock.timers.tick(PING_MS);
  }
  assert.equal(newest().ended, "no pong");
});

test("a crash is a connection that worked, broke, and is refused; its last words are not read", async (t) => {
  const { peer, told, send, newest } = made(t);
  const incoming = new FakeLink();
  incoming.ready = true;
  peer.accepted(incoming.link);
  await send(heartbeat());
  newest().open();
  newest().lose();
  assert.deepEqual([told, incoming.ended], [[], ""]);
  newest().lose(true);
  assert.equal(told[0], "crashed");
  assert.equal(incoming.ended, "the member crashed");
  // Refused long after, it says nothing: nobody knows why it was away.
  const other = made(t);
  await other.send(heartbeat());
  other.newest().open();
  other.newest().lose();
  other.clock.now += 301;
  other.newest().lose(true);
  assert.deepEqual(other.told, ["unreachable"]);
});
