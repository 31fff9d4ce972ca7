/**
 * What a simulated member's real driver is built from: timers on the simulated clock, a transport
 * on the simulated network, storage that is watched, a state machine that is watched. All of it
 * belongs to one life of the member and falls silent when that life ends.
 */
import type { Entry, MemberId, Message, SnapshotMeta } from "../core/types.ts";
import { EntryKind } from "../core/types.ts";
import type {
  Committed,
  RaftStatus,
  RaftTimers,
  StateMachine,
  Transport,
  TransportHandler,
} from "../node/api.ts";
import type { RaftStorage, StorageState } from "../wal/storage.ts";
import type { MemberView } from "./checkers/checker.ts";
import { decodeCommand, type RegisterMachine } from "./register-machine.ts";
import type { World } from "./world.ts";

export interface Life {
  readonly id: MemberId;
  readonly world: World;
  /** False once crashed: whatever the old driver still does has no effect. */
  alive(): boolean;
  /** Runs a callback of the process: now, or when it goes on, or never. */
  run(fn: () => void): void;
}

/**
 * A machine's clocks. The monotonic one runs faster or slower than the world's by `rate`, and it
 * stands while the machine is frozen; the wall clock goes on, and may be set.
 */
export class MachineClock {
  readonly rate: number;
  readonly #world: World;
  #frozenSince: number | null = null;
  #frozenMs = 0;
  #wallOffsetMs = 0;
  #aheadMs = 0;

  constructor(world: World, rate: number) {
    this.#world = world;
    this.rate = rate;
  }

  now(): number {
    const { now } = this.#world.clock;
    return ((this.#frozenSince ?? now) - this.#frozenMs) * this.rate + this.#aheadMs;
  }

  wall(): number {
    return this.#world.clock.now + this.#wallOffsetMs;
  }

  /** The monotonic clock is ahead by so much more. */
  jump(ms: number): void {
    this.#aheadMs += ms;
  }

  freeze(): void {
    this.#frozenSince ??= this.#world.clock.now;
  }

  thaw(): void {
    if (this.#frozenSince === null) return;
    this.#frozenMs += this.#world.clock.now - this.#frozenSince;
    this.#frozenSince = null;
  }

  setWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }
}

/**
 * A turn of the driver is what it runs by `soon`, and a tick has one: right after it, what the core
 * says and what was written agree.
 */
export function simTimers(
  life: Life,
  machine: MachineClock,
  soonMs: number,
  afterTurn: () => void,
): RaftTimers {
  const { rate } = machine;
  const { clock, random } = life.world;
  const turn = (fn: () => void): void => {
    life.run(() => {
      fn();
      afterTurn();
    });
  };
  const soon = (fn: () => void): void => {
    clock.after(random.between(0, soonMs), () => turn(fn));
  };
  return {
    now: () => machine.now(),
    wall: () => machine.wall(),
    after: (ms, fn) => clock.after(ms / rate, () => turn(fn)),
    soon,
    // Anything may come in between: what holds then holds without.
    atOnce: soon,
  };
}

export class SimTransport implements Transport {
  handler: TransportHandler | null = null;
  readonly #life: Life;

  constructor(life: Life) {
    this.#life = life;
  }

  start(handler: TransportHandler): Promise<void> {
    this.handler = handler;
    return Promise.resolve();
  }

  send(_to: MemberId, _address: string, messages: readonly Message[]): void {
    const { world } = this.#life;
    if (!this.#life.alive()) return;
    for (const message of messages) {
      world.guard(() => world.watch.sent(message));
      world.network.send(message);
    }
  }

  async sendSnapshot(
    _to: MemberId,
    _address: string,
    message: Message,
    meta: SnapshotMeta,
    source: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    const { world } = this.#life;
    const data = await gather(source);
    if (!this.#life.alive() || message.type !== "snapshot") return;
    const sent = { ...message, meta };
    world.guard(() => world.watch.sent(sent));
    const ok = await new Promise<boolean>((resolve) => {
      world.network.sendSnapshot(sent, data, resolve);
    });
    if (!ok) throw new Error("the snapshot was lost");
  }

  close(): Promise<void> {
    this.handler = null;
    return Promise.resolve();
  }
}

/** Reports each write, when it is given and when it is durable, to the ledger. */
export function watchStorage(life: Life, storage: RaftStorage): RaftStorage {
  const { id, world } = life;
  const { watch } = world;
  let seq = 0;
  const seen = (fn: () => void): void => {
    if (life.alive()) world.guard(fn);
  };
  return {
    open: async (mintId): Promise<StorageState> => {
      const state = await storage.open(mintId);
      seen(() => watch.booted(id, state));
      return state;
    },
    initialize: async (start): Promise<void> => {
      await storage.initialize(start);
      seen(() => watch.booted(id, { ...start, snapshot: null }));
    },
    append: (write, done) => {
      const { hardState, entries, mark } = write;
      seq += 1;
      const snapshot = mark?.reset === true ? mark.meta : null;
      const observed = { seq, hardState, entries, snapshot };
      seen(() => watch.issued(id, observed));
      storage.append(write, () => {
        seen(() => watch.durable(id, observed));
        if (life.alive()) done();
      });
    },
    createSnapshot: (meta) => storage.createSnapshot(meta),
    readSnapshot: (meta) => storage.readSnapshot(meta),
    compact: (index) => storage.compact(index),
    quarantine: async (why) => {
      await storage.quarantine(why);
      seen(() => watch.quarantined(id));
    },
    onFailure: (fn) => storage.onFailure(fn),
    close: () => storage.close(),
  };
}

/** The registers behind the interface that applications implement. */
export class WatchedMachine implements StateMachine<number> {
  readonly #life: Life;
  readonly #machine: RegisterMachine;

  readonly #applied: () => void;

  constructor(life: Life, machine: RegisterMachine, applied: () => void) {
    this.#life = life;
    this.#machine = machine;
    this.#applied = applied;
  }

  apply(entries: readonly Committed[]): readonly number[] {
    const results = entries.map(({ index, term, data }) => {
      const entry: Entry = { index, term, kind: EntryKind.normal, data };
      this.#machine.apply(entry);
      const { id, world } = this.#life;
      if (this.#life.alive()) {
        world.guard(() => {
          world.watch.applied(id, entry, this.#machine.trueChain);
          world.oracle.applied(id, index, decodeCommand(data));
        });
      }
      return index;
    });
    if (this.#life.alive()) this.#applied();
    return results;
  }

  digest(): string {
    return String(this.#machine.chain);
  }

  snapshot(): { stream(): AsyncIterable<Uint8Array> } {
    const saved = this.#machine.save();
    return {
      async *stream() {
        yield saved;
      },
    };
  }

  async restore(_meta: SnapshotMeta, source: AsyncIterable<Uint8Array>): Promise<void> {
    this.#machine.load(await gather(source));
    const { id, world } = this.#life;
    const { index, trueChain } = this.#machine;
    if (this.#life.alive()) world.guard(() => world.watch.restored(id, index, trueChain));
  }
}

async function gather(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  // Whoever made a piece may use it again.
  for await (const piece of source) all.push(piece.slice());
  return new Uint8Array(Buffer.concat(all));
}

export async function* pieces(data: Uint8Array): AsyncGenerator<Uint8Array> {
  yield data;
}

/** What the checkers see of a member; null while its driver is down. */
export function viewOf(
  id: MemberId,
  life: number,
  status: RaftStatus | undefined,
): MemberView | null {
  if (status === undefined) return null;
  const { role, term, leader, commit, applied, firstIndex, lastIndex, snapshotIndex } = status;
  const common = { id, life, role, term, leader, commit, applied, quarantine: status.quarantine };
  return { ...common, firstIndex, lastIndex, snapshotIndex, conf: status.conf };
}
