/** A member that is the bare core with a small driver of the simulator's own. */
import type { CoreOptions, MembershipChange } from "../core/options.ts";
import type { RaftCore } from "../core/raft.ts";
import type { Append, Effects, Entry, MemberId, Message } from "../core/types.ts";
import type { MemberView } from "./checkers/checker.ts";
import type { SimClock } from "./clock.ts";
import { CoreDisk, type StoredSnapshot } from "./core-disk.ts";
import type { DiskFailure, SimMember } from "./member.ts";
import type { SimNetwork } from "./network.ts";
import type { Oracle, ReadOperation, WriteOperation } from "./oracle.ts";
import type { SimRandom } from "./random.ts";
import { encodeCommand, RegisterMachine } from "./register-machine.ts";
import type { Scenario } from "./scenario.ts";
import type { Watch } from "./watch.ts";

export interface CoreMemberDeps {
  readonly clock: SimClock;
  readonly random: SimRandom;
  readonly network: SimNetwork;
  readonly watch: Watch;
  readonly oracle: Oracle;
  readonly scenario: Scenario;
  readonly newCore: (options: CoreOptions) => RaftCore;
}

export class CoreMember implements SimMember {
  readonly id: MemberId;
  readonly disk: CoreDisk;
  paused = false;
  readonly #deps: CoreMemberDeps;
  readonly #tickMs: number;
  #life = 0;
  #core: RaftCore | null = null;
  #machine = new RegisterMachine();
  #backlog: (() => void)[] = [];
  #turnPlanned = false;
  #applyQueue: Entry[] = [];
  #applyPlanned = false;
  #snapshotting = false;
  /** Received snapshots by index, durable, not yet part of the log. */
  #inbox = new Map<number, StoredSnapshot>();
  #writes = new Map<number, { term: number; operation: WriteOperation }>();
  #reads = new Map<number, ReadOperation>();
  #readsReady: { index: number; operation: ReadOperation }[] = [];
  #lastReadId = 0;

  constructor(id: MemberId, deps: CoreMemberDeps) {
    const { clock, random, scenario } = deps;
    this.id = id;
    this.#deps = deps;
    this.disk = new CoreDisk(clock, random.fork("disk"), scenario.disk.syncMs);
    const skew = random.between(-scenario.clockSkew, scenario.clockSkew);
    this.#tickMs = scenario.tickMs * (1 + skew);
  }

  get up(): boolean {
    return this.#core !== null;
  }

  boot(): void {
    const { watch, scenario, newCore, random } = this.#deps;
    const { hardState, snapshot, entries } = this.disk;
    this.#life += 1;
    this.#machine = new RegisterMachine();
    const initial = { hardState, snapshot: snapshot?.meta ?? null, entries: [...entries] };
    watch.booted(this.id, initial);
    if (snapshot !== null) this.#restore(snapshot);
    this.#core = newCore({
      id: this.id,
      limits: scenario.limits,
      random: random.fork("core"),
      initial,
    });
    this.#planTick(this.#life);
    this.#planTurn();
  }

  crash(): void {
    this.#core = null;
    this.#life += 1;
    this.paused = false;
    this.disk.crash();
    this.#backlog = [];
    this.#turnPlanned = false;
    this.#applyQueue = [];
    this.#applyPlanned = false;
    this.#snapshotting = false;
    this.#inbox.clear();
    this.#writes.clear();
    this.#reads.clear();
    this.#readsReady = [];
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    const backlog = this.#backlog;
    this.#backlog = [];
    for (const fn of backlog) this.#run(fn);
  }

  slowDisk(extraMs: number): void {
    this.disk.extraMs = extraMs;
  }

  recoverDisk(): void {
    this.disk.recover();
  }

  /** The small driver here has no errors to handle: it stops. */
  breakDisk(_how: DiskFailure, stopped: () => void): void {
    stopped();
  }

  receive(message: Message): boolean {
    if (this.#core === null) return false;
    this.#run((core) => core.step(message));
    return true;
  }

  receiveSnapshot(message: Message, data: Uint8Array, done: (ok: boolean) => void): boolean {
    if (this.#core === null || message.type !== "snapshot") return false;
    const life = this.#life;
    this.disk.afterSync(() => {
      if (life !== this.#life) {
        done(false);
        return;
      }
      this.#inbox.set(message.meta.index, { meta: message.meta, data });
      this.#run((core) => core.step(message));
      done(true);
    });
    return true;
  }

  unreachable(peer: MemberId): void {
    this.#run((core) => core.unreachable(peer));
  }

  peerCrashed(id: MemberId): void {
    this.#run((core) => core.peerCrashed(id));
  }

  write(operation: WriteOperation): boolean {
    if (this.#core === null || this.paused) return false;
    const result = this.#core.propose([encodeCommand(operation.command)]);
    this.#planTurn();
    if (result.kind === "refused") return false;
    this.#writes.set(result.firstIndex, { term: result.term, operation });
    return true;
  }

  read(operation: ReadOperation): void {
    this.#lastReadId += 1;
    const requestId = this.#lastReadId;
    this.#run((core) => {
      this.#reads.set(requestId, operation);
      core.readIndex(requestId);
    });
  }

  transfer(to: MemberId): void {
    this.#run((core) => core.transferLeader(to));
  }

  change(change: MembershipChange): boolean {
    if (this.#core === null || this.paused) return false;
    const result = this.#core.proposeConf(change);
    this.#planTurn();
    return result.kind === "accepted";
  }

  view(): MemberView | null {
    if (this.#core === null) return null;
    const status = this.#core.status();
    const { role, term, leader, commit, applied, firstIndex, lastIndex, conf } = status;
    const snapshotIndex = Math.max(this.disk.snapshot?.meta.index ?? 0, firstIndex - 1);
    const common = { id: this.id, life: this.#life, role, term, leader, commit, applied };
    return { ...common, firstIndex, lastIndex, snapshotIndex, conf };
  }

  state(): { index: number; chain: number } {
    return { index: this.#machine.index, chain: this.#machine.chain };
  }

  /** An input of the core; a paused member takes it later, a dead one never. */
  #run(fn: (core: RaftCore) => void): void {
    if (this.#core === null) return;
    if (this.paused) {
      this.#backlog.push(() => this.#core !== null && fn(this.#core));
      return;
    }
    fn(this.#core);
    this.#planTurn();
  }

  #planTick(life: number): void {
    this.#deps.clock.after(this.#tickMs, () => {
      if (life !== this.#life) return;
      this.#run((core) => core.tick());
      this.#planTick(life);
    });
  }

  /** Inputs that come close together make one turn. */
  #planTurn(): void {
    if (this.#turnPlanned) return;
    this.#turnPlanned = true;
    const { clock, random, scenario } = this.#deps;
    const life = this.#life;
    clock.after(random.between(0, scenario.turnMs), () => {
      if (life !== this.#life) return;
      this.#turnPlanned = false;
      if (this.paused) this.#backlog.push(() => {});
      else this.#turn();
    });
  }

  #turn(): void {
    const core = this.#core;
    if (core === null) return;
    const { watch } = this.#deps;
    const effects: Effects = core.takeEffects();
    for (const append of effects.appends) this.#write(append);
    for (const message of effects.send) this.#send(message);
    this.#applyQueue.push(...effects.apply);
    if (effects.apply.length > 0) this.#planApply();
    for (const { requestId, index } of effects.reads) {
      const operation = this.#reads.get(requestId);
      if (operation !== undefined) this.#readsReady.push({ index, operation });
      this.#reads.delete(requestId);
    }
    for (const requestId of effects.readsFailed) this.#reads.delete(requestId);
    this.#answerReads();
    const view = this.view();
    if (view !== null) watch.state(view);
  }

  #write(append: Append): void {
    const { watch } = this.#deps;
    const life = this.#life;
    watch.issued(this.id, append);
    const snapshot = append.snapshot === null ? null : this.#snapshotOf(append.snapshot.index);
    this.disk.submit(append, snapshot, () => {
      watch.durable(this.id, append);
      if (life !== this.#life) return;
      this.#run((core) => this.#onDurable(core, append, snapshot));
    });
  }

  #onDurable(core: RaftCore, append: Append, snapshot: StoredSnapshot | null): void {
    for (const message of append.onDurable) this.#send(message);
    core.durable(append);
    if (snapshot === null) return;
    this.#applyQueue = [];
    this.#writes.clear();
    this.#restore(snapshot);
    core.snapshotInstalled(snapshot.meta.index);
  }

  #snapshotOf(index: number): StoredSnapshot {
    const stored = this.#inbox.get(index) ?? this.disk.snapshot;
    if (stored?.meta.index !== index) throw new Error(`no snapshot at ${index}`);
    return stored;
  }

  #restore(snapshot: StoredSnapshot): void {
    this.#machine.load(snapshot.data);
    this.#deps.watch.restored(this.id, this.#machine.index, this.#machine.chain);
  }

  #send(message: Message): void {
    const { network, watch } = this.#deps;
    if (message.type !== "snapshot") {
      watch.sent(message);
      network.send(message);
      return;
    }
    // The newest one, which may be newer than the one the core asked for.
    const stored = this.disk.snapshot;
    if (stored === null) throw new Error("a snapshot is to be sent and there is none");
    const life = this.#life;
    const sent = { ...message, meta: stored.meta };
    watch.sent(sent);
    network.sendSnapshot(sent, stored.data, (ok) => {
      if (life === this.#life) this.#run((core) => core.snapshotSent(message.to, ok));
    });
  }

  #planApply(): void {
    if (this.#applyPlanned) return;
    this.#applyPlanned = true;
    const { clock, random, scenario } = this.#deps;
    const life = this.#life;
    clock.after(random.between(0, scenario.applyMs), () => {
      if (life !== this.#life) return;
      this.#applyPlanned = false;
      this.#run((core) => this.#applySome(core));
    });
  }

  #applySome(core: RaftCore): void {
    const slice = this.#applyQueue.splice(0, 1 + this.#deps.random.int(16));
    for (const entry of slice) {
      this.#machine.apply(entry);
      this.#deps.watch.applied(this.id, entry, this.#machine.chain);
      const waiting = this.#writes.get(entry.index);
      this.#writes.delete(entry.index);
      if (waiting?.term === entry.term) {
        this.#deps.oracle.completeWrite(waiting.operation, entry.index);
      }
    }
    if (slice.length > 0) core.applied(this.#machine.index);
    if (this.#applyQueue.length > 0) this.#planApply();
    this.#answerReads();
    this.#maybeSnapshot(core);
  }

  #answerReads(): void {
    const { index: applied } = this.#machine;
    const ready = this.#readsReady.filter(({ index }) => index <= applied);
    this.#readsReady = this.#readsReady.filter(({ index }) => index > applied);
    for (const { operation } of ready) {
      const value = this.#machine.read(operation.key);
      this.#deps.oracle.completeRead(operation, this.id, applied, value);
    }
  }

  #maybeSnapshot(core: RaftCore): void {
    const { scenario } = this.#deps;
    const since = this.#machine.index - (this.disk.snapshot?.meta.index ?? 0);
    if (this.#snapshotting || since < scenario.snapshotEntries) return;
    if (core.status().installing !== 0) return;
    this.#snapshotting = true;
    const life = this.#life;
    const stored = { meta: core.snapshotMeta(this.#machine.index), data: this.#machine.save() };
    this.disk.afterSync(() => {
      if (life !== this.#life) return;
      this.disk.putSnapshot(stored);
      this.#deps.watch.stored(this.id, stored.meta);
      this.#run((now) => this.#onSnapshotStored(now, stored));
    });
  }

  #onSnapshotStored(core: RaftCore, stored: StoredSnapshot): void {
    this.#snapshotting = false;
    core.snapshotTaken(stored.meta);
    const index = stored.meta.index - this.#deps.scenario.trailingEntries;
    if (index < 1) return;
    this.disk.compact(index);
    this.#deps.watch.compacted(this.id, index);
    core.compacted(index);
  }
}
