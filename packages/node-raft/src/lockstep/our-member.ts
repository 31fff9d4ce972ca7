/** One member on our core, its disk, and what the core's writes made of its log. */
import type { CoreOptions, CoreStatus, RandomSource } from "../core/options.ts";
import type { RaftCore } from "../core/raft.ts";
import type { Append, Entry, MemberId, Message, SnapshotMeta } from "../core/types.ts";
import type { SimRandom } from "../sim/random.ts";
import { type TestDisk, testLimits, writeTo } from "../testing/core-cluster.ts";
import type { Settings } from "./schedule.ts";
import { type ComparedState, renderLog, stateOf } from "./wire.ts";

export interface OurMemberOptions {
  readonly id: MemberId;
  readonly disk: TestDisk;
  readonly settings: Settings;
  readonly random: SimRandom;
  readonly newCore: (options: CoreOptions) => RaftCore;
}

export class OurMember {
  readonly id: MemberId;
  readonly #disk: TestDisk;
  readonly #options: OurMemberOptions;
  readonly #random: DrawnTimeout;
  #core: RaftCore;
  /** Writes on their way, each with the number of the command that caused it. */
  #held: { readonly turn: number; readonly ticks: number; readonly append: Append }[] = [];
  #ticks = 0;
  #replaced = 0;
  #reads: { readonly requestId: number; readonly index: number }[] = [];
  #readsFailed: number[] = [];
  /** The log with the writes that are on their way. */
  #log: Entry[] = [];

  constructor(options: OurMemberOptions) {
    const { settings, random } = options;
    this.id = options.id;
    this.#options = options;
    this.#disk = options.disk;
    this.#random = new DrawnTimeout(random, settings);
    this.#core = this.#start();
  }

  get core(): RaftCore {
    return this.#core;
  }

  get status(): CoreStatus {
    return this.#core.status();
  }

  /** The election time-out in force. */
  get timeout(): number {
    return this.#random.timeout;
  }

  get idle(): boolean {
    return this.#held.length === 0;
  }

  /** Ticks that the oldest write has waited. */
  get writeAge(): number {
    const oldest = this.#held[0];
    return oldest === undefined ? 0 : this.#ticks - oldest.ticks;
  }

  /** The numbers of the commands whose writes are on their way, oldest first. */
  get writing(): readonly number[] {
    return this.#held.map(({ turn }) => turn);
  }

  tick(): void {
    this.#ticks += 1;
    this.#core.tick();
  }

  /** Takes what there is to do until there is nothing; what is applied is applied at once. */
  settle(turn: number, onAppended: (entries: readonly Entry[]) => void): Message[] {
    const out: Message[] = [];
    for (;;) {
      const effects = this.#core.takeEffects();
      out.push(...effects.send);
      this.#reads.push(...effects.reads);
      this.#readsFailed.push(...effects.readsFailed);
      for (const append of effects.appends) {
        this.#held.push({ turn, ticks: this.#ticks, append });
        this.#note(append);
        onAppended(append.entries);
      }
      const last = effects.apply.at(-1);
      if (last !== undefined) this.#core.applied(last.index);
      if (effects.appends.length === 0 && last === undefined) return out;
    }
  }

  /**
   * The writes of the commands up to `turn` reach the disk; what waited for them goes out. One that
   * has nothing to write is done with what precedes it.
   */
  release(turn: number): Message[] {
    const out: Message[] = [];
    for (let write = this.#held[0]; write !== undefined; write = this.#held[0]) {
      const { append } = write;
      if (write.turn > turn && !isEmpty(append)) break;
      this.#held.shift();
      writeTo(this.#disk, append);
      out.push(...append.onDurable);
      this.#core.durable(append);
      if (append.snapshot !== null) this.#core.snapshotInstalled(append.snapshot.index);
    }
    return out;
  }

  /** The disk keeps the writes of the commands up to `turn`; the rest never was. */
  crash(turn: number): void {
    for (const { append } of this.#held.filter((write) => write.turn <= turn)) {
      writeTo(this.#disk, append);
    }
    this.#held = [];
    this.#core = this.#start();
  }

  /** A snapshot of everything applied; the log up to `index` is forgotten. */
  compact(index: number): SnapshotMeta {
    const { applied } = this.status;
    const meta = this.#core.snapshotMeta(applied);
    this.#disk.snapshot = meta;
    this.#core.snapshotTaken(meta);
    // The entry at the base stays on disk, as it does where whole files are dropped.
    this.#disk.entries = this.#disk.entries.filter((entry) => entry.index >= index);
    this.#core.compacted(index);
    this.#log = this.#log.filter((entry) => entry.index > index);
    return meta;
  }

  /** How often the end of the log was replaced since this was asked last. */
  takeReplaced(): number {
    const replaced = this.#replaced;
    this.#replaced = 0;
    return replaced;
  }

  /** Reads that were answered, and those that were given up, since this was asked last. */
  takeReads(): { answered: readonly { requestId: number; index: number }[]; failed: number[] } {
    const [answered, failed] = [this.#reads, this.#readsFailed];
    this.#reads = [];
    this.#readsFailed = [];
    return { answered, failed };
  }

  /** A leader that has committed in its own term: what it answers reads from then on is new. */
  get mayRead(): boolean {
    const { role, commit, term } = this.status;
    const entry = this.#log.find(({ index }) => index === commit);
    return role === "leader" && entry?.term === term;
  }

  state(): ComparedState {
    const { status } = this;
    return { ...stateOf(status), log: renderLog(this.#log) };
  }

  #start(): RaftCore {
    const { id, settings, newCore } = this.#options;
    const { hardState, snapshot, entries } = this.#disk;
    const core = newCore({
      id,
      limits: { ...testLimits, ...settings, heartbeatTicks: 1, uncommittedBytesMax: 2 ** 40 },
      random: this.#random,
      initial: { hardState, snapshot, entries: [...entries] },
    });
    const { firstIndex } = core.status();
    this.#log = entries.filter((entry) => entry.index >= firstIndex);
    return core;
  }

  #note({ entries, snapshot }: Append): void {
    if (snapshot !== null) this.#log = [];
    const first = entries[0];
    if (first === undefined) return;
    if ((this.#log.at(-1)?.index ?? 0) >= first.index) this.#replaced += 1;
    this.#log = [...this.#log.filter((entry) => entry.index < first.index), ...entries];
  }
}

function isEmpty({ entries, hardState, snapshot }: Append): boolean {
  return entries.length === 0 && hardState === null && snapshot === null;
}

/** Remembers the time-out that the core drew last: the other side is given the same. */
class DrawnTimeout implements RandomSource {
  timeout = 0;
  readonly #random: SimRandom;
  readonly #min: number;
  readonly #range: number;

  constructor(random: SimRandom, settings: Settings) {
    this.#random = random;
    this.#min = settings.electionTicksMin;
    this.#range = settings.electionTicksMax - settings.electionTicksMin + 1;
  }

  int(bound: number): number {
    const drawn = this.#random.int(bound);
    if (bound === this.#range) this.timeout = this.#min + drawn;
    return drawn;
  }
}
