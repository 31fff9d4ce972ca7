import assert from "node:assert/strict";
import test from "node:test";
import { StateMachineStore } from "@drover/state";
import { ServerFsm } from "./fsm.ts";

const ROW_BYTES = 100_000;
/** What is encoded in 8 ms, and what has to be done at once beyond that. */
const SLICE_BYTES = 512 * 1024;
const FRAME_ROWS = 8;

test("a snapshot of large rows is encoded in slices, between which others have their turn", async () => {
  const store = new StateMachineStore();
  const rows = Array.from({ length: 100 }, (_, i) => {
    return { kind: "row", table: "jobs", key: `${i}`, row: { text: "x".repeat(ROW_BYTES) } };
  });
  store.snapshot = () => ({ dump: () => rows }) as never;
  const turns = new Turns();
  for await (const piece of new ServerFsm(store).snapshot().stream()) turns.add(piece.length);
  turns.end();
  assert.ok(turns.sum > rows.length * ROW_BYTES);
  const most = turns.most;
  assert.ok(most < SLICE_BYTES + (FRAME_ROWS + 1) * ROW_BYTES, `${most} bytes in one turn`);
});

test("a snapshot is installed in slices, and seen when it is whole", async () => {
  const header = { kind: "header", format: 1, index: 7, clock: 5, chain: "c" };
  const turns = new Turns();
  const rows = Array.from({ length: 1_000 }, (_, i) => ({
    kind: "row",
    table: "tableIndexes",
    key: `${i}-${"x".repeat(8_000)}`,
    row: i,
  }));
  const made = new StateMachineStore();
  made.snapshot = () => ({ dump: () => [header, ...rows] }) as never;
  const pieces: Uint8Array[] = [];
  for await (const piece of new ServerFsm(made).snapshot().stream()) pieces.push(piece);

  const store = new StateMachineStore();
  const indexes = new Set<number>();
  // All that has come is there at once: the disk of an idle machine is faster than decoding.
  async function* source(): AsyncGenerator<Uint8Array> {
    for (const piece of pieces) {
      turns.add(piece.length);
      indexes.add(store.index);
      yield piece;
    }
  }
  await new ServerFsm(store).restore({}, source());
  turns.end();
  assert.deepEqual([[...indexes], store.index], [[0], 7]);
  const piece = Math.max(...pieces.map((one) => one.length));
  assert.ok(turns.most < SLICE_BYTES + 2 * piece, `${turns.most} bytes in one turn`);
});

/** How much happens between two moments at which others have their turn. */
class Turns {
  readonly #bytesOf = new Map<number, number>();
  #turn = 0;
  #next = setImmediate(() => this.#go());

  #go(): void {
    this.#turn += 1;
    this.#next = setImmediate(() => this.#go());
  }

  add(bytes: number): void {
    this.#bytesOf.set(this.#turn, (this.#bytesOf.get(this.#turn) ?? 0) + bytes);
  }

  end(): void {
    clearImmediate(this.#next);
  }

  get sum(): number {
    return [...this.#bytesOf.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  get most(): number {
    return Math.max(...this.#bytesOf.values());
  }
}
