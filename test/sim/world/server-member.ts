/**
 * A server machine: the real raft driver over its real log on a simulated disk, the real state
 * machine and the real `Server`. It is a member of raft's simulated world, whose checkers watch it.
 */
import { RaftEngine } from "@drover/agent/raft-engine";
import { Server, ServerFsm } from "@drover/server";
import { type Command, type CommandResult, StateMachineStore } from "@drover/state";
import { PeerPool, Router } from "@drover/wire";
import { type Committed, openRaftNode, type RaftNode, type StateMachine } from "@raft/node-raft";
import {
  type Life,
  MachineClock,
  type MemberView,
  NodeDisk,
  openLocalStorage,
  pieces,
  type SimMember,
  SimTransport,
  simTimers,
  viewOf,
  watchStorage,
} from "@raft/node-raft/sim";
import type { Cluster } from "./cluster.ts";
import { LabelledRandom, SimProcess } from "./process.ts";

const CLUSTER_ID = "simulated";
/** Small: the simulated disk copies what it syncs. */
const WAL_OPTIONS = { segmentBytes: 32_768, aheadBytes: 4_096 };
const LIMITS = {
  snapshotLogBytes: Number.MAX_SAFE_INTEGER,
  inflightMessagesMax: 64,
  inflightBytesMax: 4 << 20,
  messageBytesMax: 256 << 10,
  uncommittedBytesMax: 64 << 20,
};

const CHANGE_TIMEOUT_MS = 5_000;

type MembershipChange = Parameters<RaftNode<CommandResult>["changeMembership"]>[0];
type Message = Parameters<SimMember["receive"]>[0];

export class ServerMember implements SimMember {
  readonly id: string;
  readonly #cluster: Cluster;
  readonly #voters: readonly { id: string; address: string }[] | null;
  readonly #disk: NodeDisk;
  #life = 0;
  #process: SimProcess | null = null;
  #raft: RaftNode<CommandResult> | null = null;
  #transport: SimTransport | null = null;
  #server: Server | null = null;
  #onDeath: (() => void)[] = [];
  #wallOffsetMs: number;
  /** Its machine and its disk are gone for good. */
  lost = false;

  constructor(id: string, cluster: Cluster, voters: ServerMember["voters"]) {
    this.id = id;
    this.#cluster = cluster;
    this.#voters = voters;
    this.#disk = new NodeDisk(cluster.raft.random.fork(`${id} disk`));
    const { wallOffsetMs } = cluster;
    this.#wallOffsetMs = Math.floor(cluster.raft.random.between(-wallOffsetMs, wallOffsetMs));
  }

  get voters(): readonly { id: string; address: string }[] | null {
    return this.#voters;
  }

  get up(): boolean {
    return this.#process?.alive === true;
  }

  get paused(): boolean {
    return this.#process?.paused === true;
  }

  /** null while it is down or starting. */
  get server(): Server | null {
    return this.#server;
  }

  boot(): void {
    this.#life += 1;
    const { raft } = this.#cluster;
    const process = new SimProcess(this.id, raft.clock, () => this.#wallOffsetMs);
    this.#process = process;
    this.#open(process).catch((error: unknown) => {
      if (process.alive) this.#cluster.fail(`${this.id} cannot start`, error);
    });
  }

  crash(): void {
    this.#process?.end();
    this.#process = null;
    this.#raft = null;
    this.#server = null;
    this.#transport = null;
    if (this.#disk.crash()) this.#cluster.trace.count("fault torn write");
    for (const fn of this.#onDeath.splice(0)) fn();
  }

  pause(): void {
    this.#process?.pause();
  }

  resume(): void {
    this.#process?.resume();
  }

  /** Somebody sets the wall clock of its machine. */
  stepClock(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  slowDisk(extraMs: number): void {
    this.#disk.slow(extraMs);
  }

  recoverDisk(): void {
    for (const work of this.#disk.recover()) this.#cluster.raft.clock.after(0, work);
  }

  breakDisk(): void {
    throw new Error("disks of this world do not break");
  }

  receive(message: Message): boolean {
    const handler = this.#transport?.handler ?? null;
    if (handler === null) return false;
    this.#process?.run(() => handler.receive([message]));
    return true;
  }

  receiveSnapshot(message: Message, data: Uint8Array, done: (ok: boolean) => void): boolean {
    const handler = this.#transport?.handler ?? null;
    if (handler === null || message.type !== "snapshot") return false;
    let ended = false;
    const end = (ok: boolean): void => {
      if (ended) return;
      ended = true;
      this.#cluster.raft.clock.after(0, () => done(ok));
    };
    this.#onDeath.push(() => end(false));
    this.#process?.run(() => {
      const stream = { id: "", from: () => pieces(data) };
      handler.receiveSnapshot(message, message.meta, stream).then(
        () => end(true),
        () => end(false),
      );
    });
    return true;
  }

  unreachable(peer: string): void {
    this.#process?.run(() => this.#transport?.handler?.peerUnreachable(peer));
  }

  peerCrashed(id: string): void {
    this.#process?.run(() => this.#transport?.handler?.peerCrashed(id));
  }

  write(): boolean {
    return false;
  }

  read(): void {}

  transfer(to: string): void {
    this.#raft?.transferLeadership(to).catch(() => this.#cluster.trace.count("transfer refused"));
  }

  /** False: it does not lead. What comes of it is seen in the configuration. */
  change(change: MembershipChange): boolean {
    const raft = this.#raft;
    if (raft === null || this.paused || raft.status().role !== "leader") return false;
    raft
      .changeMembership(change, { timeoutMs: CHANGE_TIMEOUT_MS })
      .catch(() => this.#cluster.trace.count("change refused"));
    return true;
  }

  view(): MemberView | null {
    return viewOf(this.id, this.#life, this.#raft?.status());
  }

  state(): { index: number; chain: number } {
    const snapshot = this.#server?.snapshot();
    if (snapshot === undefined) return { index: 0, chain: 0 };
    return { index: snapshot.index, chain: chainNumber(snapshot.chain) };
  }

  async #open(process: SimProcess): Promise<void> {
    const { raft: world, scenario, wire } = this.#cluster;
    const life: Life = {
      id: this.id,
      world,
      alive: () => process.alive,
      run: (fn) => process.run(fn),
    };
    const address = `${this.id}:4647`;
    const store = new StateMachineStore();
    const fsm = new ServerFsm(store);
    const transport = new SimTransport(life);
    this.#transport = transport;
    const seed = world.random.next();
    const disk = this.#disk.open(life);
    const local = openLocalStorage(disk, { dataDir: "/data", wal: WAL_OPTIONS }, (work) =>
      this.#disk.schedule(life, work),
    );
    const raft = await openRaftNode<CommandResult>({
      dataDir: "/data",
      address,
      stateMachine: this.#watched(process, store, fsm),
      transport,
      limits: {
        ...LIMITS,
        tickMs: scenario.tickMs,
        heartbeatTicks: scenario.limits.heartbeatTicks,
        electionTicksMin: scenario.limits.electionTicksMin,
        electionTicksMax: scenario.limits.electionTicksMax,
        snapshotEntries: scenario.snapshotEntries,
        trailingEntries: scenario.trailingEntries,
      },
      storage: watchStorage(life, local),
      timers: simTimers(life, new MachineClock(world, 1), scenario.turnMs, () => this.#look()),
      random: world.random.fork(`${this.id} core`),
      mintId: () => this.id,
    });
    if (!process.alive) return;
    this.#raft = raft;
    raft.on("fatal", (error) => {
      if (process.alive) this.#cluster.fail(`${this.id} stopped`, error);
    });
    const router = new Router((method, error) => {
      this.#cluster.log(this.id, "debug", "call failed", { method, error: String(error) });
    });
    const peers = new PeerPool(router, (to) => wire.dial(process, to, router));
    this.#server = new Server(
      {
        region: "global",
        timings: this.#cluster.timings,
        clusterId: () => CLUSTER_ID,
        serverAddresses: () => this.#cluster.addresses,
      },
      {
        clock: process.clock,
        uptime: () => process.time.now,
        random: new LabelledRandom(seed),
        log: (level, message, fields) => this.#cluster.log(this.id, level, message, fields ?? {}),
        store,
        fsm,
        engine: new RaftEngine(raft),
        router,
        peers,
      },
    );
    wire.listen(address, process, router);
    if (!raft.fresh) return;
    if (this.#voters === null) await raft.join({ clusterId: CLUSTER_ID });
    else await raft.bootstrap({ clusterId: CLUSTER_ID, voters: this.#voters });
  }

  /** Tells raft's checkers of each entry and state, and ours of each entry once. */
  #watched(
    process: SimProcess,
    store: StateMachineStore,
    fsm: ServerFsm,
  ): StateMachine<CommandResult> {
    const { raft: world, truth } = this.#cluster;
    let command: Command | null = null;
    fsm.onApplied((applied) => {
      command = applied.command;
    });
    return {
      apply: (entries: readonly Committed[]) =>
        entries.flatMap((entry) => {
          const before = store.snapshot();
          const results = fsm.apply([entry]);
          const after = store.snapshot();
          if (!process.alive) return results;
          const { index, term, data } = entry;
          world.guard(() => {
            const seen = { index, term, kind: 0, data } as Parameters<
              typeof world.watch.applied
            >[1];
            world.watch.applied(this.id, seen, chainNumber(after.chain));
            const result = results[0];
            if (result === undefined || command === null) return;
            truth.applied({ command, result, before, after });
          });
          return results;
        }),
      snapshot: () => fsm.snapshot(),
      restore: async (meta, source) => {
        await fsm.restore(meta, source);
        if (!process.alive) return;
        const { index, chain } = store.snapshot();
        world.guard(() => {
          world.watch.restored(this.id, index, chainNumber(chain));
          truth.restored(store.snapshot());
        });
      },
    };
  }

  #look(): void {
    const { raft: world } = this.#cluster;
    const view = this.view();
    if (view !== null) world.guard(() => world.watch.state(view));
  }
}

function chainNumber(chain: string): number {
  return Number.parseInt(chain.slice(-8), 16) | 0;
}
