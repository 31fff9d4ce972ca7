/**
 * Several cores joined by a message queue, for tests of single rules: nothing happens by itself,
 * the test ticks, cuts links, holds back the disk. The simulator (../sim) is for everything at
 * once.
 */
import { bootstrapState } from "../core/bootstrap.ts";
import type { CoreLimits, RandomSource } from "../core/options.ts";
import { RaftCore } from "../core/raft.ts";
import type {
  Append,
  Effects,
  Entry,
  HardState,
  MemberId,
  Message,
  SnapshotMeta,
} from "../core/types.ts";
import { EntryKind } from "../core/types.ts";

export const testLimits: CoreLimits = {
  heartbeatTicks: 1,
  electionTicksMin: 10,
  electionTicksMax: 19,
  inflightMessagesMax: 16,
  inflightBytesMax: 4096,
  messageBytesMax: 1024,
  uncommittedBytesMax: 8192,
};

export interface TestDisk {
  hardState: HardState | null;
  snapshot: SnapshotMeta | null;
  entries: Entry[];
}

export class TestMember {
  readonly id: MemberId;
  readonly disk: TestDisk;
  core: RaftCore;
  applied: Entry[] = [];
  reads: { requestId: number; index: number }[] = [];
  readsFailed: number[] = [];
  /** Writes that the disk has not confirmed; filled while `diskHeld`. */
  held: Append[] = [];
  diskHeld = false;
  sent: Message[] = [];
  readonly #limits: CoreLimits;
  readonly #seed: number;
  readonly #leases: boolean;

  constructor(id: MemberId, disk: TestDisk, limits: CoreLimits, seed: number, leases = false) {
    this.id = id;
    this.#leases = leases;
    this.disk = disk;
    this.#limits = limits;
    this.#seed = seed;
    this.core = this.#build();
  }

  /** Loses what the disk had not confirmed. */
  restart(): void {
    this.held = [];
    this.diskHeld = false;
    this.applied = [];
    this.core = this.#build();
  }

  /** Turns until the core has nothing more to do by itself; returns what goes out. */
  turn(): Message[] {
    const out: Message[] = [];
    for (;;) {
      const effects = this.core.takeEffects();
      out.push(...this.#perform(effects));
      const idle = effects.appends.length === 0 || this.diskHeld;
      if (idle && effects.apply.length === 0) return out;
    }
  }

  #perform(effects: Effects): Message[] {
    const out = [...effects.send];
    this.held.push(...effects.appends);
    if (!this.diskHeld) out.push(...this.releaseDisk());
    this.applied.push(...effects.apply);
    const last = effects.apply.at(-1);
    if (last !== undefined) this.core.applied(last.index);
    this.reads.push(...effects.reads);
    this.readsFailed.push(...effects.readsFailed);
    this.sent.push(...out);
    return out;
  }

  /** The disk confirms the oldest `count` writes. */
  releaseDisk(count = this.held.length): Message[] {
    const out: Message[] = [];
    for (const append of this.held.splice(0, count)) {
      writeTo(this.disk, append);
      out.push(...append.onDurable);
      this.core.durable(append);
      if (append.snapshot !== null) this.core.snapshotInstalled(append.snapshot.index);
    }
    return out;
  }

  /** Takes a snapshot of everything applied and drops the log up to `index`. */
  compact(index: number): void {
    const meta = this.core.snapshotMeta(this.core.status().applied);
    this.disk.snapshot = meta;
    this.core.snapshotTaken(meta);
    this.disk.entries = this.disk.entries.filter((entry) => entry.index > index);
    this.core.compacted(index);
  }

  /** Bytes of the normal entries applied, as text. */
  texts(): string[] {
    return this.applied.filter((e) => e.kind === EntryKind.normal).map((e) => textOf(e.data));
  }

  #build(): RaftCore {
    const { hardState, snapshot, entries } = this.disk;
    return new RaftCore({
      id: this.id,
      leases: this.#leases,
      limits: this.#limits,
      random: new CountingRandom(this.#seed),
      initial: { hardState, snapshot, entries: [...entries] },
    });
  }
}

export class TestCluster {
  readonly members = new Map<MemberId, TestMember>();
  /** Answers whether the network loses the message. */
  lose: (message: Message) => boolean = () => false;
  readonly #limits: CoreLimits;
  readonly #leases: (id: MemberId) => boolean;

  constructor(
    ids: readonly MemberId[],
    limits: Partial<CoreLimits> = {},
    leases: (id: MemberId) => boolean = () => false,
  ) {
    this.#leases = leases;
    this.#limits = { ...testLimits, ...limits };
    const start = bootstrapState(ids.map((id) => ({ id, address: `${id}:1` })));
    for (const id of ids) {
      this.add(id, { hardState: start.hardState, snapshot: null, entries: [...start.entries] });
    }
  }

  add(id: MemberId, disk: TestDisk = { hardState: null, snapshot: null, entries: [] }): TestMember {
    const member = new TestMember(id, disk, this.#limits, this.members.size, this.#leases(id));
    this.members.set(id, member);
    return member;
  }

  get(id: MemberId): TestMember {
    const member = this.members.get(id);
    if (member === undefined) throw new Error(`no member ${id}`);
    return member;
  }

  core(id: MemberId): RaftCore {
    return this.get(id).core;
  }

  /** Delivers everything until nobody has anything to say. */
  settle(): void {
    for (let round = 0; round < 1000; round += 1) {
      const messages = [...this.members.values()].flatMap((member) => member.turn());
      if (messages.length === 0) return;
      for (const message of messages) this.deliver(message);
    }
    throw new Error("the cluster does not settle");
  }

  deliver(message: Message): void {
    if (this.lose(message)) return;
    const target = this.members.get(message.to);
    if (target === undefined) return;
    target.core.step(message);
    if (message.type === "snapshot")
      this.members.get(message.from)?.core.snapshotSent(message.to, true);
  }

  tick(id: MemberId, count = 1): void {
    for (let i = 0; i < count; i += 1) {
      this.core(id).tick();
      this.settle();
    }
  }

  tickAll(count = 1): void {
    for (let i = 0; i < count; i += 1) {
      for (const member of this.members.values()) member.core.tick();
      this.settle();
    }
  }

  /** Makes `id` campaign by time-out, the others having lost their leader as well. */
  elect(id: MemberId): void {
    const quiet = testLimits.electionTicksMin;
    for (const member of this.members.values()) {
      for (let i = 0; member.id !== id && i < quiet - 1; i += 1) member.core.tick();
    }
    for (let i = 0; this.core(id).status().role !== "leader" && i < 100; i += 1) {
      for (const member of this.members.values()) {
        if (member.id !== id && i === 0) member.core.tick();
      }
      this.core(id).tick();
      this.settle();
    }
    if (this.core(id).status().role !== "leader") throw new Error(`${id} was not elected`);
  }

  propose(id: MemberId, ...texts: string[]): void {
    const result = this.core(id).propose(texts.map(bytesOf));
    if (result.kind !== "accepted") throw new Error(`${id} refused: ${result.reason}`);
  }

  isolate(...ids: MemberId[]): void {
    this.lose = (m) => ids.includes(m.from) !== ids.includes(m.to);
  }

  heal(): void {
    this.lose = () => false;
  }
}

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

export function textOf(data: Uint8Array): string {
  return String.fromCharCode(...data);
}

export function writeTo(disk: TestDisk, append: Append): void {
  if (append.snapshot !== null) {
    disk.snapshot = append.snapshot;
    disk.entries = [];
  }
  const first = append.entries[0];
  if (first !== undefined) {
    disk.entries = disk.entries.filter((entry) => entry.index < first.index);
    disk.entries.push(...append.entries);
  }
  if (append.hardState !== null) disk.hardState = append.hardState;
}

/** Spreads the time-outs: member n always draws the same, different from the others'. */
class CountingRandom implements RandomSource {
  #next: number;

  constructor(seed: number) {
    this.#next = seed;
  }

  int(bound: number): number {
    this.#next += 7;
    return this.#next % bound;
  }
}
