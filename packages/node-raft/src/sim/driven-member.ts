/**
 * A member with everything real but the world: core, driver, log and snapshot store, over a disk that
 * tears and forgets (`SimVfs`). Needs `runDrivenSeed`, because the driver's promises must be let run
 * between two events.
 */
import { bootstrapState } from "../core/bootstrap.ts";
import type { CoreOptions, MembershipChange } from "../core/options.ts";
import type { RaftCore } from "../core/raft.ts";
import type { Entry, MemberId, Message, SnapshotMeta } from "../core/types.ts";
import type { RaftLimits, RaftTimers, StateMachine, Transport } from "../node/api.ts";
import { Engine } from "../node/engine.ts";
import { DiskStore } from "../wal/disk-store.ts";
import { openLocalStorage } from "../wal/local-port.ts";
import { SimVfs } from "../wal/sim-vfs.ts";
import type { MemberView } from "./checkers/checker.ts";
import type { SimMember } from "./member.ts";
import type { ReadOperation, WriteOperation } from "./oracle.ts";
import type { SimRandom } from "./random.ts";
import { encodeCommand, RegisterMachine } from "./register-machine.ts";
import type { World } from "./world.ts";

const DIR = "/data";
/** Small files, so that rotation and compaction happen all the time. */
const WAL = { segmentBytes: 4096, aheadBytes: 1024 };
const OPERATION_MS = 5_000;

export interface DrivenMemberDeps {
  readonly world: World;
  readonly random: SimRandom;
  readonly newCore: (options: CoreOptions) => RaftCore;
  /** A failed check or a bug inside the driver, which catches what its inputs throw. */
  readonly failed: (error: Error) => void;
}

export class DrivenMember implements SimMember {
  readonly id: MemberId;
  paused = false;
  readonly #deps: DrivenMemberDeps;
  readonly #skew: number;
  #vfs = new SimVfs();
  #life = 0;
  #up = false;
  #engine: Engine<number> | null = null;
  #machine = new RegisterMachine();
  #backlog: (() => void)[] = [];
  /** Disk work that waits for its time; the disk takes one batch at a time. */
  #diskWork: (() => void) | null = null;
  #extraDiskMs = 0;

  constructor(
    id: MemberId,
    deps: DrivenMemberDeps,
    voters: readonly { id: MemberId; address: string }[] | null,
  ) {
    const { world, random } = deps;
    this.id = id;
    this.#deps = deps;
    this.#skew = 1 + random.between(-world.scenario.clockSkew, world.scenario.clockSkew);
    const { store } = DiskStore.open(this.#vfs, DIR, () => id, WAL);
    const nothing = { hardState: { term: 0, vote: "" as const, commit: 0 }, entries: [] };
    const start = voters === null ? nothing : bootstrapState(voters);
    store.initialize({ clusterId: "sim", ...start });
    store.close();
  }

  get up(): boolean {
    return this.#up;
  }

  boot(): void {
    this.#life += 1;
    this.#up = true;
    const life = this.#life;
    this.#open(life).catch((error: unknown) => this.#failed(life, error));
  }

  /** What the disk was told last may have reached it whole, torn or not at all. */
  crash(): void {
    const { random, world } = this.#deps;
    const work = this.#diskWork;
    this.#life += 1;
    this.#up = false;
    this.paused = false;
    this.#backlog = [];
    this.#diskWork = null;
    this.#engine?.halt();
    this.#engine = null;
    if (work !== null && random.chance(0.6)) {
      this.#vfs.crashAt = this.#vfs.steps + 1 + random.int(8);
      work();
      world.trace.count("fault torn disk work");
    }
    this.#vfs = this.#vfs.afterCrash(() => random.float());
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    for (const fn of this.#backlog.splice(0)) this.#run(this.#life, fn);
  }

  slowDisk(extraMs: number): void {
    this.#extraDiskMs = extraMs;
  }

  recoverDisk(): void {
    const hung = this.#extraDiskMs === Number.POSITIVE_INFINITY;
    this.#extraDiskMs = 0;
    if (hung && this.#diskWork !== null) this.#planDiskWork(this.#life, this.#diskWork);
  }

  receive(message: Message): boolean {
    if (!this.#up) return false;
    this.#input((engine) => engine.handler().receive([message]));
    return true;
  }

  receiveSnapshot(message: Message, data: Uint8Array, done: (ok: boolean) => void): boolean {
    if (!this.#up || message.type !== "snapshot") return false;
    const life = this.#life;
    this.#input((engine) => {
      const received = engine.handler().receiveSnapshot(message, message.meta, once(data));
      received.then(
        () => done(life === this.#life),
        () => done(false),
      );
    });
    return true;
  }

  unreachable(peer: MemberId): void {
    this.#input((engine) => engine.handler().peerUnreachable(peer));
  }

  peerCrashed(id: MemberId): void {
    this.#input((engine) => engine.handler().peerCrashed(id));
  }

  write(operation: WriteOperation): boolean {
    const engine = this.#engine;
    if (engine === null || this.paused || engine.soft.role !== "leader") return false;
    const { oracle, clock } = this.#deps.world;
    engine.propose({
      data: encodeCommand(operation.command),
      deadline: clock.now + OPERATION_MS,
      resolve: ({ index, result }) => {
        if (result !== index) throw new Error(`the result of ${index} went to ${result}`);
        oracle.completeWrite(operation, index);
      },
      reject: () => {},
    });
    return true;
  }

  read(operation: ReadOperation): void {
    const { oracle, clock } = this.#deps.world;
    const life = this.#life;
    this.#input((engine) => {
      engine.read({
        deadline: clock.now + OPERATION_MS,
        resolve: () => {
          const { index } = this.#machine;
          const value = this.#machine.read(operation.key);
          this.#guarded(life, () => oracle.completeRead(operation, this.id, index, value));
        },
        reject: () => {},
      });
    });
  }

  transfer(to: MemberId): void {
    this.#input((engine) => {
      engine.core.transferLeader(to);
      engine.wake();
    });
  }

  change(change: MembershipChange): boolean {
    const engine = this.#engine;
    if (engine === null || this.paused) return false;
    const result = engine.core.proposeConf(change);
    engine.wake();
    return result.kind === "accepted";
  }

  view(): MemberView | null {
    if (this.#engine === null) return null;
    const status = this.#engine.status();
    const { role, term, leader, commit, applied, firstIndex, lastIndex, conf } = status;
    const snapshotIndex = Math.max(this.#engine.snapshots.newest?.index ?? 0, firstIndex - 1);
    const common = { id: this.id, life: this.#life, role, term, leader, commit, applied };
    return { ...common, firstIndex, lastIndex, snapshotIndex, conf };
  }

  state(): { index: number; chain: number } {
    return { index: this.#machine.index, chain: this.#machine.chain };
  }

  async #open(life: number): Promise<void> {
    const { world, random, newCore } = this.#deps;
    const storage = openLocalStorage(this.#vfs, { dataDir: DIR, wal: WAL }, (work) => {
      this.#planDiskWork(life, work);
    });
    storage.onFailure((error) => this.#failed(life, error));
    const state = await storage.open(() => this.id);
    if (life !== this.#life) return;
    world.watch.booted(this.id, state);
    for (const note of state.notes) world.trace.count(`note ${note.replace(/\d+/g, "N")}`);
    const machine = new RegisterMachine();
    this.#machine = machine;
    const stateMachine = this.#stateMachine(machine);
    if (state.snapshot !== null) {
      await stateMachine.restore(state.snapshot, storage.readSnapshot(state.snapshot));
      if (life !== this.#life) return;
    }
    const { limits } = world.scenario;
    const core = newCore({ id: this.id, limits, random: random.fork("core"), initial: state });
    this.#tap(core);
    const engine = new Engine<number>({
      self: this.id,
      core,
      storage,
      transport: this.#transport(life),
      stateMachine,
      limits: this.#limits(),
      timers: this.#timers(life),
      log: () => {},
      onSoft: () => {},
      onConf: () => {},
      onApplied: (entry) => this.#applied(machine, entry),
      onTurn: () => this.#observe(),
      onFatal: (error) => this.#failed(life, error),
    });
    engine.snapshots.begin(state.snapshot);
    this.#engine = engine;
    engine.start();
  }

  #limits(): RaftLimits {
    const { limits, tickMs, snapshotEntries, trailingEntries } = this.#deps.world.scenario;
    return { ...limits, tickMs, snapshotEntries, trailingEntries, snapshotLogBytes: 1e12 };
  }

  /** The checkers see each write as the core issues it and as the driver confirms it. */
  #tap(core: RaftCore): void {
    const { watch } = this.#deps.world;
    const take = core.takeEffects.bind(core);
    const durable = core.durable.bind(core);
    const issued = new Map<number, Parameters<typeof watch.issued>[1]>();
    core.takeEffects = () => {
      const effects = take();
      for (const append of effects.appends) {
        issued.set(append.seq, append);
        watch.issued(this.id, append);
      }
      return effects;
    };
    core.durable = (append) => {
      const write = issued.get(append.seq);
      if (write !== undefined) watch.durable(this.id, write);
      issued.delete(append.seq);
      durable(append);
    };
  }

  /** The register machine also digests the cluster's own entries, so it is fed by `onApplied`. */
  #stateMachine(machine: RegisterMachine): StateMachine<number> {
    const { watch } = this.#deps.world;
    return {
      apply: (entries) => entries.map((entry) => entry.index),
      snapshot: () => {
        const data = machine.save();
        return { stream: () => once(data) };
      },
      restore: async (meta: SnapshotMeta, source) => {
        machine.load(await collect(source));
        if (machine.index !== meta.index) {
          throw new Error(`snapshot ${meta.index} holds the state of ${machine.index}`);
        }
        watch.restored(this.id, machine.index, machine.chain);
      },
    };
  }

  #applied(machine: RegisterMachine, entry: Entry): void {
    machine.apply(entry);
    this.#deps.world.watch.applied(this.id, entry, machine.chain);
  }

  #observe(): void {
    const view = this.view();
    if (view !== null) this.#deps.world.watch.state(view);
  }

  #transport(life: number): Transport {
    const { network, watch } = this.#deps.world;
    return {
      start: () => Promise.resolve(),
      send: (_to, _address, messages) => {
        for (const message of messages) {
          watch.sent(message);
          network.send(message);
        }
      },
      sendSnapshot: async (_to, _address, message, meta, source) => {
        const data = await collect(source);
        if (message.type !== "snapshot") throw new Error(`a ${message.type} as a snapshot`);
        const sent = { ...message, meta };
        watch.sent(sent);
        const ok = await new Promise<boolean>((resolve) => {
          network.sendSnapshot(sent, data, (arrived) => this.#run(life, () => resolve(arrived)));
        });
        if (!ok) throw new Error("lost");
      },
      close: () => Promise.resolve(),
    };
  }

  #timers(life: number): RaftTimers {
    const { clock, scenario } = this.#deps.world;
    const { random } = this.#deps;
    return {
      now: () => clock.now,
      after: (ms, fn) => clock.after(ms * this.#skew, () => this.#run(life, fn)),
      soon: (fn) => {
        clock.after(random.between(0, scenario.turnMs), () => this.#run(life, fn));
      },
    };
  }

  #planDiskWork(life: number, work: () => void): void {
    if (life !== this.#life) return;
    this.#diskWork = work;
    if (this.#extraDiskMs === Number.POSITIVE_INFINITY) return;
    const { world, random } = this.#deps;
    const [min, max] = world.scenario.disk.syncMs;
    world.clock.after(random.between(min, max) + this.#extraDiskMs, () => {
      this.#run(life, () => {
        if (this.#diskWork !== work) return;
        this.#diskWork = null;
        work();
      });
    });
  }

  #input(fn: (engine: Engine<number>) => void): void {
    this.#run(this.#life, () => {
      if (this.#engine !== null) fn(this.#engine);
    });
  }

  /** A paused member takes it later, a dead one never. */
  #run(life: number, fn: () => void): void {
    if (life !== this.#life) return;
    if (this.paused) this.#backlog.push(fn);
    else this.#guarded(life, fn);
  }

  #guarded(life: number, fn: () => void): void {
    try {
      fn();
    } catch (error) {
      this.#failed(life, error);
    }
  }

  #failed(life: number, error: unknown): void {
    if (life !== this.#life) return;
    this.#deps.failed(error instanceof Error ? error : new Error(String(error)));
  }
}

async function* once(data: Uint8Array): AsyncGenerator<Uint8Array> {
  yield data;
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
