/** Rules X1 to X3 of SPEC.md. */
import assert from "node:assert/strict";
import test from "node:test";
import type { Message, SnapshotMeta } from "../core/types.ts";
import { SnapshotTransfers } from "./snapshot-transfers.ts";

const MIB = 1024 * 1024;
const TICK_MS = 100;
const PIN_MS = 5 * 60_000;

function metaAt(index: number): SnapshotMeta {
  const lists = { voters: [], votersOutgoing: [], learners: [], learnersNext: [] };
  return { index, term: 1, conf: { ...lists, autoLeave: false, addresses: {} } };
}

function messageTo(to: string, index: number): Extract<Message, { type: "snapshot" }> {
  return { type: "snapshot", from: "a", to, term: 1, meta: metaAt(index) };
}

/** Time passes when it is told to. */
class Timers {
  time = 0;
  #due: { at: number; fn: () => void }[] = [];

  now(): number {
    return this.time;
  }

  after(ms: number, fn: () => void): () => void {
    const timer = { at: this.time + ms, fn };
    this.#due.push(timer);
    return () => {
      this.#due = this.#due.filter((other) => other !== timer);
    };
  }

  soon(fn: () => void): void {
    this.after(0, fn);
  }

  /** How long until what is due next; null = nothing is. */
  async next(): Promise<number | null> {
    await settled();
    const [first] = this.#due.toSorted((one, other) => one.at - other.at);
    if (first === undefined) return null;
    this.#due = this.#due.filter((other) => other !== first);
    const waited = first.at - this.time;
    this.time = first.at;
    first.fn();
    await settled();
    return waited;
  }
}

async function settled(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
}

interface Sent {
  readonly to: string;
  readonly source: AsyncIterable<Uint8Array>;
  end(ok: boolean): void;
}

function made(options: { pieces?: readonly number[]; perSecond?: number } = {}) {
  const timers = new Timers();
  const sent: Sent[] = [];
  const told: [string, boolean][] = [];
  const quarantined = new Set<string>();
  const { pieces = [], perSecond = MIB } = options;
  const transfers = new SnapshotTransfers({
    core: {
      snapshotSent: (to: string, ok: boolean) => told.push([to, ok]),
      // An entry is a MiB.
      forgettable: (index: number, keep: { bytes: number }) => index - keep.bytes / MIB,
    } as never,
    storage: {
      async *readSnapshot() {
        for (const size of pieces) yield new Uint8Array(size);
      },
    },
    transport: {
      sendSnapshot: (to, _address, _message, _meta, source) => {
        return new Promise((resolve, reject) => {
          const end = (ok: boolean) => (ok ? resolve() : reject(new Error("refused")));
          sent.push({ to, source, end });
        });
      },
    },
    limits: { tickMs: TICK_MS, snapshotBytesPerSecond: perSecond },
    timers,
    log: () => {},
    wake: () => {},
    addressOf: () => "b:1",
    isQuarantined: (id) => quarantined.has(id),
  });
  return { transfers, timers, sent, told, quarantined };
}

test("[X1] all transfers together take no more than their share of the network", async () => {
  const pieces = [MIB, MIB, MIB];
  const { transfers, timers, sent } = made({ pieces, perSecond: 4 * MIB });
  transfers.send(messageTo("b", 5), metaAt(5));
  transfers.send(messageTo("c", 5), metaAt(5));
  let bytes = 0;
  const drain = async ({ source }: Sent): Promise<void> => {
    for await (const piece of source) bytes += piece.length;
  };
  const both = Promise.all(sent.map(drain));
  while ((await timers.next()) !== null) {
    const allowed = 4 * MIB * (timers.time / 1_000);
    assert.ok(bytes <= allowed + 2 * MIB, `${bytes} bytes after ${timers.time} ms`);
  }
  await both;
  assert.equal(bytes, 6 * MIB);
  assert.equal(timers.time, 1_500);
});

test("[X2] the log behind a snapshot on its way stays, for a time that each transfer has anew", async () => {
  const { transfers, timers, sent } = made();
  assert.equal(transfers.pinnedIndex(100), Number.POSITIVE_INFINITY);
  transfers.send(messageTo("b", 60), metaAt(60));
  timers.time = PIN_MS - 1;
  assert.equal(transfers.pinnedIndex(100), 60);
  sent[0]?.end(true);
  await settled();
  assert.equal(transfers.pinnedIndex(100), Number.POSITIVE_INFINITY);
  timers.time = 2 * PIN_MS;
  transfers.send(messageTo("b", 70), metaAt(70));
  transfers.send(messageTo("c", 80), metaAt(80));
  assert.equal(transfers.pinnedIndex(100), 70);
  timers.time = 3 * PIN_MS;
  assert.equal(transfers.pinnedIndex(100), Number.POSITIVE_INFINITY);
});

test("[X2] and no more of it than 256 MiB", () => {
  const { transfers } = made();
  transfers.send(messageTo("b", 60), metaAt(60));
  assert.equal(transfers.pinnedIndex(60 + 200), 60);
  assert.equal(transfers.pinnedIndex(60 + 300), 60 + 300 - 256);
});

test("[X3] a member that does not take it is asked again ever more seldom", async () => {
  const { transfers, timers, sent, told } = made();
  const waits: (number | null)[] = [];
  for (let i = 0; i < 10; i += 1) {
    transfers.send(messageTo("b", 5), metaAt(5));
    sent.at(-1)?.end(false);
    waits.push(await timers.next());
  }
  const ticks = [0, 2, 4, 8, 16, 32, 64, 128, 128, 128];
  assert.deepEqual(
    waits,
    ticks.map((n) => n * TICK_MS),
  );
  assert.deepEqual(told, Array(10).fill(["b", false]));
  transfers.send(messageTo("b", 5), metaAt(5));
  sent.at(-1)?.end(true);
  await settled();
  assert.deepEqual(told.at(-1), ["b", true]);
  transfers.send(messageTo("b", 5), metaAt(5));
  sent.at(-1)?.end(false);
  assert.equal(await timers.next(), 0);
});

test("[X3] one in quarantine is not even asked, and the log is not kept for it", async () => {
  const { transfers, timers, sent, told, quarantined } = made();
  quarantined.add("b");
  transfers.send(messageTo("b", 5), metaAt(5));
  assert.equal(transfers.pinnedIndex(100), Number.POSITIVE_INFINITY);
  await timers.next();
  assert.deepEqual([sent, told], [[], [["b", false]]]);
});

test("how an earlier one ended says nothing of the next one to the same member", async () => {
  const { transfers, timers, sent, told } = made();
  transfers.send(messageTo("b", 5), metaAt(5));
  transfers.send(messageTo("b", 9), metaAt(9));
  sent[0]?.end(false);
  assert.equal(await timers.next(), 0);
  assert.deepEqual(told, []);
  sent[1]?.end(true);
  await settled();
  assert.deepEqual(told, [["b", true]]);
  transfers.halt();
  sent[1]?.end(false);
  assert.equal(await timers.next(), null);
});
