/** A member that is the real driver over the real log, on a simulated disk, clock and network. */
import type { MembershipChange } from "../core/options.ts";
import type { MemberId, Message } from "../core/types.ts";
import type { RaftNode, RaftTimers, ReadPoint } from "../node/api.ts";
import type { LevelRange } from "../node/feature-level.ts";
import type { MembershipController } from "../node/membership-controller.ts";
import type { openRaftNode } from "../node/open-raft-node.ts";
import type { openLocalStorage } from "../wal/local-port.ts";
import { BrokenStreams } from "./broken-streams.ts";
import type { MemberView } from "./checkers/checker.ts";
import { SimFailure } from "./failure.ts";
import type { DiskFailure, SimMember } from "./member.ts";
import { NodeDisk } from "./node-disk.ts";
import {
  type Life,
  MachineClock,
  SimTransport,
  simTimers,
  viewOf,
  WatchedMachine,
  watchStorage,
} from "./node-parts.ts";
import type { ReadOperation, WriteOperation } from "./oracle.ts";
import { SimRandom } from "./random.ts";
import { encodeCommand, RegisterMachine } from "./register-machine.ts";
import type { Answer, SessionHost } from "./session-clients.ts";
import type { World } from "./world.ts";

/** The production code that a member runs; a mutant brings its own. */
export interface NodeCode {
  readonly openRaftNode: typeof openRaftNode;
  readonly openLocalStorage: typeof openLocalStorage;
  readonly MembershipController: typeof MembershipController;
}

const DATA_DIR = "/data";
const CLUSTER_ID = "simulated";
/** Small, so that a run goes through many segments. */
const WAL_OPTIONS = { segmentBytes: 8192, aheadBytes: 1024 };
const CLIENT_TIMEOUT_MS = 2_000;
const SLOW_APPLY_MS = 1;
const SLOW_APPLY_CHANCE = 0.2;

export class NodeMember implements SimMember {
  readonly id: MemberId;
  paused = false;
  readonly #world: World;
  readonly #code: NodeCode;
  readonly #random: SimRandom;
  readonly #voters: readonly { id: MemberId; address: string }[] | null;
  readonly #clock: MachineClock;
  readonly #machineRandom: SimRandom;
  readonly #streams: BrokenStreams;
  readonly #freezes: boolean;
  readonly #leases: boolean;
  #life = 0;
  #up = false;
  #node: RaftNode<number> | null = null;
  #transport: SimTransport | null = null;
  #machine = new RegisterMachine();
  #backlog: (() => void)[] = [];
  readonly #disk: NodeDisk;
  #onStopped: () => void = () => {};
  /** It has a damaged disk, and will find out or not. */
  #onRotSeen: ((started: boolean) => void) | null = null;
  /** Peers on a connection of their own with us. */
  #onDeath: (() => void)[] = [];

  constructor(
    id: MemberId,
    world: World,
    voters: readonly { id: MemberId; address: string }[] | null,
    code: NodeCode,
  ) {
    this.id = id;
    this.#world = world;
    this.#code = code;
    this.#voters = voters;
    this.#random = world.random.fork(id);
    this.#disk = new NodeDisk(this.#random.fork("disk"));
    const { clockSkew } = world.scenario;
    this.#clock = new MachineClock(world, 1 + this.#random.between(-clockSkew, clockSkew));
    const { seed, leases, withoutLeasesChance } = world.scenario;
    this.#machineRandom = new SimRandom(seed, `machine ${id}`);
    this.#streams = new BrokenStreams(id, world);
    this.#freezes = this.#machineRandom.chance(0.6);
    this.#leases = leases && !this.#machineRandom.chance(withoutLeasesChance);
  }

  get quarantined(): boolean {
    return (this.#node?.status().quarantine ?? null) !== null;
  }

  /** What the member's state machine really holds, which it cannot know itself. */
  get machine(): RegisterMachine {
    return this.#machine;
  }

  get up(): boolean {
    return this.#up;
  }

  boot(): void {
    this.#life += 1;
    this.#up = true;
    const life = this.#newLife(this.#life);
    this.#open(life).catch((error: unknown) => {
      if (life.alive()) this.#ended(error, "restart");
    });
  }

  crash(): void {
    this.#life += 1;
    this.#up = false;
    this.paused = false;
    this.#node = null;
    this.#transport = null;
    this.#backlog = [];
    this.#clock.thaw();
    if (this.#disk.crash()) this.#world.trace.count("fault torn write");
    for (const fn of this.#onDeath.splice(0)) fn();
  }

  /** A process stopped, or a machine frozen, whose monotonic clock knows nothing of it. */
  pause(): void {
    this.paused = true;
    const { trace, scenario, clock } = this.#world;
    const random = this.#machineRandom;
    if (!scenario.machinesFreeze) return;
    // Nobody can tell frozen time where the wall clock was set back meanwhile: not on one machine.
    if (this.#freezes) {
      this.#clock.freeze();
      trace.count("fault freeze");
    } else if (random.chance(0.3)) {
      this.#clock.setWall(random.between(-3000, 3000));
      trace.count("fault clockSet");
    }
    if (!random.chance(scenario.crashHintChance / 2)) return;
    // It answers nobody, so that some take it for crashed.
    trace.count("fault falseHint");
    for (const peer of this.#world.up()) {
      clock.after(random.between(0, 5), () => {
        if (this.paused) peer.peerCrashed(this.id);
      });
    }
  }

  resume(): void {
    this.paused = false;
    this.#clock.thaw();
    for (const fn of this.#backlog.splice(0)) this.#run(this.#life, fn);
  }

  slowDisk(extraMs: number): void {
    this.#disk.slow(extraMs);
  }

  recoverDisk(): void {
    for (const work of this.#disk.recover()) this.#world.clock.after(0, work);
  }

  breakDisk(how: DiskFailure, stopped: () => void): void {
    this.#disk.fail(how);
    this.#onStopped = stopped;
  }

  rot(started: (ok: boolean) => void): boolean {
    if (!this.#disk.rot()) return false;
    this.#onRotSeen = started;
    return true;
  }

  jumpClock(ms: number): void {
    this.#clock.jump(ms);
  }

  receive(message: Message): boolean {
    const handler = this.#transport?.handler ?? null;
    if (handler === null) return false;
    this.#run(this.#life, () => handler.receive([message]));
    return true;
  }

  receiveSnapshot(message: Message, data: Uint8Array, done: (ok: boolean) => void): boolean {
    const handler = this.#transport?.handler ?? null;
    if (handler === null || message.type !== "snapshot") return false;
    let ended = false;
    const end = (ok: boolean): void => {
      if (ended) return;
      ended = true;
      this.#world.clock.after(0, () => done(ok));
    };
    // The sender notices a receiver that died.
    this.#onDeath.push(() => end(false));
    this.#run(this.#life, () => {
      handler.receiveSnapshot(message, message.meta, this.#streams.of(message.from, data)).then(
        () => end(true),
        () => end(false),
      );
    });
    return true;
  }

  unreachable(peer: MemberId): void {
    this.#run(this.#life, () => this.#transport?.handler?.peerUnreachable(peer));
  }

  peerCrashed(id: MemberId): void {
    this.#run(this.#life, () => this.#transport?.handler?.peerCrashed(id));
  }

  write(operation: WriteOperation): boolean {
    const node = this.#node;
    if (node === null || this.paused || node.status().role !== "leader") return false;
    const life = this.#life;
    const data = encodeCommand(operation.command);
    node.propose(data, { timeoutMs: CLIENT_TIMEOUT_MS }).then(
      ({ index }) => {
        if (life !== this.#life) return;
        this.#world.guard(() => this.#world.oracle.completeWrite(operation, index));
      },
      (error: unknown) => {
        this.#world.trace.count("write unanswered");
        if (refusedForGood(error)) operation.refused = true;
      },
    );
    return true;
  }

  get sessions(): SessionHost | null {
    const node = this.#node;
    if (node === null || this.paused) return null;
    const life = this.#newLife(this.#life);
    return {
      open: (answered) => {
        node.openSession({ timeoutMs: CLIENT_TIMEOUT_MS }).then(
          (id) => life.alive() && answered(id),
          () => life.alive() && answered(null),
        );
      },
      write: ({ command }, session, answered) => {
        node.propose(encodeCommand(command), { timeoutMs: CLIENT_TIMEOUT_MS, session }).then(
          ({ index, result }) => life.alive() && answered({ kind: "applied", index, result }),
          (error: unknown) => life.alive() && answered(refusalOf(error)),
        );
      },
    };
  }

  read(operation: ReadOperation): void {
    const node = this.#node;
    const life = this.#life;
    if (node === null || this.paused) return;
    const wasQuarantined = this.quarantined;
    node.readBarrier({ timeoutMs: CLIENT_TIMEOUT_MS }).then(
      () => {
        if (life !== this.#life) return;
        if (wasQuarantined) this.#world.guard(() => this.#mustNotAnswer());
        this.#completeRead(node, operation);
      },
      () => this.#world.trace.count("read unanswered"),
    );
  }

  #completeRead(node: RaftNode<number>, operation: ReadOperation): void {
    // Nobody knows yet; it is the bound until somebody does that is looked at.
    if (!this.#machine.isSound) {
      this.#world.trace.count("read of a wrong state");
      return;
    }
    const value = this.#machine.read(operation.key);
    const { applied } = node.status();
    const { oracle } = this.#world;
    this.#world.guard(() => oracle.completeRead(operation, this.id, applied, value));
  }

  readByLease(operation: ReadOperation): void {
    this.#ask((node, life) => {
      const done = ({ mode }: ReadPoint): void => {
        if (!life.alive()) return;
        this.#world.trace.count(`read by ${mode === "lease" ? "lease" : "quorum instead"}`);
        this.#completeRead(node, operation);
      };
      const options = { mode: "lease" as const, timeoutMs: CLIENT_TIMEOUT_MS };
      node.readBarrier(options).then(done, () => this.#world.trace.count("read unanswered"));
    });
  }

  readStale(key: string, maxStalenessMs: number | undefined): void {
    this.#ask((node, life) => {
      const done = ({ index, ageMs }: ReadPoint): void => {
        if (!life.alive()) return;
        const bound = maxStalenessMs ?? Number.POSITIVE_INFINITY;
        const value = this.#machine.read(key);
        this.#world.trace.note("read stale", this.id, index, Math.min(ageMs, 1e9), value);
        this.#world.guard(() => {
          if (ageMs > bound) {
            throw new SimFailure("oracle", "stale-bound", `${ageMs} ms old, ${bound} were allowed`);
          }
          // By the member's clocks, which may both run a little slower than the world's.
          const trueAgeMs = ageMs / Math.min(1, this.#clock.rate);
          this.#world.oracle.completeStaleRead(this.id, node.status().applied, trueAgeMs);
        });
      };
      const options = maxStalenessMs === undefined ? {} : { maxStalenessMs };
      node.readBarrier({ mode: "stale", ...options }).then(done, () => {
        this.#world.trace.count("read too stale");
      });
    });
  }

  /** A request that waits in the socket of one that is paused; it may be read first, or last. */
  #ask(ask: (node: RaftNode<number>, life: Life) => void): void {
    const node = this.#node;
    if (node === null) return;
    const life = this.#newLife(this.#life);
    const request = (): void => ask(node, life);
    if (!this.paused) request();
    else if (this.#machineRandom.chance(0.5)) this.#backlog.unshift(request);
    else this.#backlog.push(request);
  }

  transfer(to: MemberId): void {
    this.#order((node) => node.transferLeadership(to), "transfer");
  }

  change(change: MembershipChange): boolean {
    if (this.#node?.status().role !== "leader" || this.paused) return false;
    this.#order(
      (node) => node.changeMembership(change, { timeoutMs: CLIENT_TIMEOUT_MS }),
      "change",
    );
    return true;
  }

  view(): MemberView | null {
    return viewOf(this.id, this.#life, this.#node?.status());
  }

  state(): { index: number; chain: number } {
    return { index: this.#node?.status().applied ?? 0, chain: this.#machine.chain };
  }

  #newLife(number: number): Life {
    return {
      id: this.id,
      world: this.#world,
      alive: () => number === this.#life,
      run: (fn) => this.#run(number, fn),
    };
  }

  /** Of the program that runs now; null = the application has none. */
  protected levels(): LevelRange | null {
    return null;
  }

  /** What the member proposes must be understood by programs of this level. */
  protected get level(): number {
    return this.#node?.level ?? 0;
  }

  protected newMachine(): RegisterMachine {
    return new RegisterMachine();
  }

  /** For those that put something on top of the member: once per life, when it is in a cluster. */
  protected opened(_node: RaftNode<number>, _timers: RaftTimers): void {}

  async #open(life: Life): Promise<void> {
    const { scenario } = this.#world;
    const timers = simTimers(life, this.#clock, scenario.turnMs, () => this.#look());
    const levels = this.levels();
    const machine = this.newMachine();
    const transport = new SimTransport(life);
    this.#machine = machine;
    this.#transport = transport;
    const store = this.#code.openLocalStorage(
      this.#disk.open(life),
      { dataDir: DATA_DIR, wal: WAL_OPTIONS },
      (work) => this.#disk.schedule(life, work),
    );
    const node = await this.#code.openRaftNode<number>({
      dataDir: DATA_DIR,
      address: `${this.id}:4647`,
      stateMachine: new WatchedMachine(life, machine, () => this.#applySlowly()),
      transport,
      leases: this.#leases,
      limits: {
        ...scenario.limits,
        tickMs: scenario.tickMs,
        snapshotEntries: scenario.snapshotEntries,
        snapshotLogBytes: Number.MAX_SAFE_INTEGER,
        trailingEntries: scenario.trailingEntries,
        sessionsMax: scenario.sessions.max,
        sessionResultsMax: scenario.sessions.resultsMax,
        sessionResultBytesMax: scenario.sessions.resultBytesMax,
      },
      ...(levels === null ? {} : { levels }),
      storage: watchStorage(life, store),
      timers,
      random: this.#random.fork("core"),
      mintId: () => this.id,
    });
    if (!life.alive()) return;
    this.#rotSeen(true);
    this.#node = node;
    node.on("fatal", (error) => {
      if (life.alive()) this.#ended(error, "fatal");
    });
    if (node.fresh) await this.#enter(node);
    if (life.alive()) this.opened(node, timers);
  }

  async #enter(node: RaftNode<number>): Promise<void> {
    if (this.#voters === null) await node.join({ clusterId: CLUSTER_ID });
    else await node.bootstrap({ clusterId: CLUSTER_ID, voters: this.#voters });
  }

  /** Everything that enters the process comes through here. */
  #run(life: number, fn: () => void): void {
    if (life !== this.#life) return;
    if (this.paused) {
      this.#backlog.push(fn);
      return;
    }
    fn();
  }

  /** The state machine takes its time: the process does nothing else, and its clock goes on. */
  #applySlowly(): void {
    const { scenario, clock } = this.#world;
    const ms = this.#random.between(0, scenario.applyMs);
    if (ms < SLOW_APPLY_MS || this.paused || !this.#random.chance(SLOW_APPLY_CHANCE)) return;
    this.#world.trace.count("fault slow apply");
    this.#clock.jump(ms);
    this.pause();
    const life = this.#life;
    clock.after(ms, () => {
      if (life === this.#life) this.resume();
    });
  }

  #rotSeen(started: boolean): void {
    const tell = this.#onRotSeen;
    this.#onRotSeen = null;
    tell?.(started);
  }

  /** It could not start or go on: right after an I/O error, otherwise a failure. */
  #ended(error: unknown, where: "restart" | "fatal"): void {
    const isCorrupt = (error as { code?: string }).code === "corrupt";
    if (where === "restart" && isCorrupt && this.#onRotSeen !== null) {
      this.#world.clock.after(0, () => this.#rotSeen(false));
      return;
    }
    if (this.#disk.failing) {
      this.#world.clock.after(0, this.#onStopped);
      return;
    }
    this.#world.guard(() => {
      // An assertion is told apart from a disk that a crash left unreadable.
      if (error instanceof Error && error.name === "RaftAssertionError") throw error;
      const kind = where === "restart" ? "invariant" : "crash";
      throw new SimFailure(kind, where, `${this.id} cannot go on: ${error}`, error);
    });
  }

  #mustNotAnswer(): never {
    throw new SimFailure("invariant", "quarantine", `${this.id} answered a read in quarantine`);
  }

  #look(): void {
    const view = this.view();
    if (view !== null) this.#world.guard(() => this.#world.watch.state(view));
  }

  #order(request: (node: RaftNode<number>) => Promise<void>, kind: string): void {
    if (this.#node === null) return;
    request(this.#node).catch(() => this.#world.trace.count(`${kind} unanswered`));
  }
}

/** Nothing was written, and nothing will be. */
function refusedForGood(error: unknown): boolean {
  const { code = "" } = error as { code?: string };
  return code === "not-leader" || code === "dropped" || code === "refused";
}

function refusalOf(error: unknown): Answer {
  if ((error as { code?: string }).code === "session-expired") return { kind: "expired" };
  return { kind: refusedForGood(error) ? "refused" : "unknown" };
}
