/**
 * Members in one process, joined by a transport that is a function call: for tests of the driver.
 */
import assert from "node:assert/strict";
import type { MemberId, Message, SnapshotMeta } from "../core/types.ts";
import type {
  Committed,
  RaftNode,
  StateMachine,
  Transport,
  TransportHandler,
  TransportSelf,
} from "./api.ts";

/** Delivers in a later turn; a member that is cut off neither sends nor receives. */
export class MemoryNetwork {
  readonly #members = new Map<MemberId, TransportHandler>();
  readonly cut = new Set<MemberId>();
  /** Messages so far, of everyone. */
  sent = 0;

  transport(): Transport {
    let self: MemberId = "";
    const reach = (to: MemberId): TransportHandler | null => {
      if (this.cut.has(self) || this.cut.has(to)) return null;
      return this.#members.get(to) ?? null;
    };
    return {
      start: (handler: TransportHandler, given: TransportSelf) => {
        self = given.memberId;
        this.#members.set(self, handler);
        return Promise.resolve();
      },
      send: (to: MemberId, _address: string, messages: readonly Message[]) => {
        this.sent += messages.length;
        setImmediate(() => reach(to)?.receive(messages));
      },
      sendSnapshot: async (to, _address, message, meta, source) => {
        const peer = reach(to);
        if (peer === null) throw new Error(`${to} is not reachable`);
        await peer.receiveSnapshot(message, meta, { id: "", from: () => source });
      },
      close: () => {
        this.#members.delete(self);
        return Promise.resolve();
      },
    };
  }
}

/** Remembers every command; the result of one is how many there are. */
export class ListMachine implements StateMachine<number> {
  items: string[] = [];

  apply(entries: readonly Committed[]): readonly number[] {
    return entries.map((entry) => this.items.push(new TextDecoder().decode(entry.data)));
  }

  snapshot(): { stream(): AsyncIterable<Uint8Array> } {
    const text = JSON.stringify(this.items);
    return {
      async *stream() {
        yield new TextEncoder().encode(text);
      },
    };
  }

  async restore(_meta: SnapshotMeta, source: AsyncIterable<Uint8Array>): Promise<void> {
    const pieces: Uint8Array[] = [];
    for await (const piece of source) pieces.push(piece);
    this.items = JSON.parse(Buffer.concat(pieces).toString("utf8")) as string[];
  }
}

/** Looks again every few milliseconds; fails by saying what it waited for. */
export async function waitUntil(
  holds: () => boolean,
  what: string,
  timeoutMs = 10_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!holds()) {
    assert.ok(performance.now() < deadline, `not in ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export function leaderOf<R>(nodes: readonly RaftNode<R>[]): RaftNode<R> | null {
  return nodes.find((node) => node.status().role === "leader") ?? null;
}

export async function waitForLeader<R>(nodes: readonly RaftNode<R>[]): Promise<RaftNode<R>> {
  await waitUntil(() => leaderOf(nodes) !== null, "a leader");
  const leader = leaderOf(nodes);
  assert.ok(leader !== null);
  return leader;
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
