/**
 * The loop around the core. Inputs (messages, proposals, ticks, finished writes) are given to the
 * core as they come; what the core wants done is collected once per turn and performed in the order
 * of its contract: writes are queued, messages go out beside them, promises (`onDurable`) follow
 * the write they promise, entries are applied.
 */
import { assert } from "../core/assert.ts";
import { allMembers } from "../core/conf-state.ts";
import type { CoreStatus } from "../core/options.ts";
import type { RaftCore } from "../core/raft.ts";
import type { Append, ConfState, Effects, MemberId, Message, SoftState } from "../core/types.ts";
import type { Quarantine, RaftStorage } from "../wal/storage.ts";
import type {
  LogLevel,
  RaftLimits,
  RaftTimers,
  StateMachine,
  Transport,
  TransportHandler,
} from "./api.ts";
import { RaftError } from "./api.ts";
import { Applier } from "./applier.ts";
import { bestVoter } from "./best-voter.ts";
import { Contacts } from "./contacts.ts";
import { DiskWatch } from "./disk-watch.ts";
import { FeatureLevel, type LevelRange, mustUnderstand } from "./feature-level.ts";
import { LocalReads } from "./local-reads.ts";
import { type Proposal, Proposals, refusal, runsOfKind } from "./proposals.ts";
import { type Reader, Reads } from "./reads.ts";
import type { SessionMachine } from "./session-machine.ts";
import { Snapshots } from "./snapshots.ts";
import { StateWatch } from "./state-watch.ts";
import { Ticker } from "./ticker.ts";
import { Waiters } from "./waiters.ts";

export interface EngineDeps<R> {
  readonly self: MemberId;
  readonly core: RaftCore;
  readonly storage: RaftStorage;
  readonly transport: Transport;
  readonly machine: SessionMachine<R>;
  /** What the machine passes entries to. */
  readonly stateMachine: Pick<StateMachine<R>, "digest">;
  readonly limits: RaftLimits;
  readonly leases: boolean;
  readonly timers: RaftTimers;
  readonly log: (level: LogLevel, message: string, fields: Record<string, unknown>) => void;
  readonly levels: LevelRange | null;
  /** Of an earlier life; the state machine holds nothing then. */
  readonly quarantine: Quarantine | null;
  /** What the log holds at the start. */
  readonly logBytes: number;
  onSoft(soft: SoftState): void;
  onConf(conf: ConfState): void;
  onQuarantine(why: Quarantine): void;
  /** End of a turn in which something may have changed. */
  onTurn(): void;
  onFatal(error: Error): void;
}

/** A turn that keeps producing work lets others run in between. */
const ROUNDS_PER_TURN_MAX = 8;

export class Engine<R> {
  readonly #deps: EngineDeps<R>;
  readonly #core: RaftCore;
  readonly #applier: Applier<R>;
  readonly #ticker: Ticker;
  readonly #disk: DiskWatch;
  readonly #proposals = new Proposals<R>();
  readonly #reads: Reads;
  readonly #waiters = new Waiters();
  readonly #contacts = new Contacts();
  readonly local: LocalReads;
  readonly snapshots: Snapshots<R>;
  readonly states: StateWatch;
  readonly level: FeatureLevel;
  #soft: SoftState;
  #conf: ConfState;
  /** What the state machine holds; behind the applier's while a snapshot is being installed. */
  #applied: number;
  #scheduled = false;
  #running = true;

  constructor(deps: EngineDeps<R>) {
    this.#deps = deps;
    this.#core = deps.core;
    const status = deps.core.status();
    this.#soft = { role: status.role, leader: status.leader, term: status.term };
    this.#conf = status.conf;
    this.#know(status.conf);
    this.#applied = status.applied;
    const { tickMs, heartbeatTicks, electionTicksMin, electionTicksMax } = deps.limits;
    this.local = new LocalReads(deps.core, deps.timers, deps.limits, deps.leases);
    this.#reads = new Reads(tickMs * (heartbeatTicks + electionTicksMin));
    this.#disk = new DiskWatch(tickMs * electionTicksMax);
    this.level = new FeatureLevel(deps.self, deps.levels);
    this.level.look(status);
    this.states = new StateWatch({
      ...deps,
      onQuarantine: (why) => this.#enterQuarantine(why),
      onFatal: (error) => this.fail(error),
    });
    this.#applier = new Applier(this.#applierDeps(), status.applied);
    this.snapshots = new Snapshots({
      ...deps,
      wake: () => this.wake(),
      addressOf: (id) => this.addressOf(id),
      isQuarantined: (id) => this.states.others.has(id),
      onFatal: (error) => this.fail(error),
    });
    if (deps.quarantine !== null) this.#standAside();
    this.#ticker = new Ticker(deps.timers, tickMs, (lateMs) => this.#tick(lateMs));
  }

  start(): void {
    this.#campaignAlone();
    this.#ticker.start();
    this.wake();
  }

  /** The only voter has nobody to wait for: its election time-out may pass at once. */
  #campaignAlone(): void {
    const { voters, votersOutgoing } = this.#conf;
    const alone = voters.length === 1 && votersOutgoing.length === 0;
    if (!alone || voters[0] !== this.#deps.self) return;
    for (let i = 0; i < this.#deps.limits.electionTicksMax; i += 1) {
      if (this.#core.status().role === "follower") this.#core.tick();
    }
  }

  get soft(): SoftState {
    return this.#soft;
  }

  get conf(): ConfState {
    return this.#conf;
  }

  get applied(): number {
    return this.#applied;
  }

  deadline(timeoutMs: number): number {
    return this.#deps.timers.now() + timeoutMs;
  }

  get core(): RaftCore {
    return this.#core;
  }

  get running(): boolean {
    return this.#running;
  }

  status(): CoreStatus {
    return this.#core.status();
  }

  #know(conf: ConfState): void {
    const others = allMembers(conf).filter((id) => id !== this.#deps.self);
    this.#contacts.know(others, this.#deps.timers.now());
  }

  /** Milliseconds since each member was heard of. */
  silence(): Record<MemberId, number> {
    return this.#contacts.silence(this.#deps.timers.now());
  }

  addressOf(id: MemberId): string {
    return this.#conf.addresses[id] ?? "";
  }

  propose(proposal: Proposal<R>): void {
    this.#proposals.add(proposal);
    // While something is being written, others may join; an idle disk is not kept waiting.
    if (this.#disk.isIdle) this.#schedule(this.#deps.timers.atOnce);
    else this.wake();
  }

  read(reader: Reader): void {
    const refused = this.mustNotRead();
    if (refused !== null) {
      reader.reject(refused);
      return;
    }
    this.#reads.add(reader);
    this.wake();
  }

  waitApplied(index: number, deadline: number): Promise<void> {
    const refused = this.mustNotRead();
    if (refused !== null) return Promise.reject(refused);
    if (this.#applied >= index) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.add({ index, deadline, resolve, reject });
    });
  }

  /** While a snapshot is being installed there is no state to look at. */
  waitRestored(deadline: number): Promise<void> {
    return this.waitApplied(this.#applier.applied, deadline);
  }

  /** What the transport calls. */
  handler(): TransportHandler {
    const input = (act: () => void): void => {
      if (this.#running) this.#guarded(act);
      this.wake();
    };
    return {
      receive: (messages) => input(() => this.#receive(messages)),
      receiveSnapshot: (message, meta, stream) => this.snapshots.receive(message, meta, stream),
      peerCrashed: (peer) => input(() => this.#core.peerCrashed(peer)),
      peerUnreachable: (peer) => input(() => this.#core.unreachable(peer)),
    };
  }

  /** Schedules a turn; many wakes before it make one turn. */
  wake(): void {
    this.#schedule(this.#deps.timers.soon);
  }

  #schedule(when: RaftTimers["soon"]): void {
    if (this.#scheduled || !this.#running) return;
    this.#scheduled = true;
    when(() => {
      this.#scheduled = false;
      if (this.#running) this.#guarded(() => this.#turn());
    });
  }

  /** No input has any effect from here on; everyone who waits is told. */
  halt(): void {
    if (!this.#running) return;
    this.#running = false;
    this.#ticker.stop();
    this.#proposals.rejectAll();
    this.#reads.rejectAll();
    this.#waiters.rejectAll();
    this.snapshots.halt();
  }

  /** A bug or a broken disk: nothing may be promised any more. */
  fail(error: unknown): void {
    if (!this.#running) return;
    this.halt();
    this.#deps.onFatal(error instanceof Error ? error : new Error(String(error)));
  }

  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.fail(error);
    }
  }

  /** What is applied here is worth nothing; what is in the log is still the others'. */
  #enterQuarantine(why: Quarantine): void {
    this.#standAside();
    const error = this.mustNotRead() ?? undefined;
    this.#proposals.rejectAll();
    this.#reads.rejectAll(error);
    this.#waiters.rejectAll(error);
    this.#deps.onQuarantine(why);
    this.wake();
  }

  #standAside(): void {
    this.#applier.stop();
    this.snapshots.halt();
    this.#core.standAside(this.states.others);
  }

  /** null = what is applied here may be read, as far as anybody knows. */
  mustNotRead(): RaftError | null {
    if (this.states.quarantine === null) return null;
    const { leader } = this.#soft;
    const leaderAddress = leader === "" ? "" : this.addressOf(leader);
    return new RaftError("quarantined", "this member is in quarantine", { leaderAddress });
  }

  #receive(messages: readonly Message[]): void {
    const from = messages[0]?.from;
    if (from !== undefined) this.#contacts.heard(from, this.#deps.timers.now());
    for (const message of messages) {
      if (message.to !== this.#deps.self || message.type === "snapshot") continue;
      this.states.hear(message, this.#conf);
      this.level.hear(message);
      if (message.type === "append" && this.states.isFull()) continue;
      this.#core.step(message);
    }
  }

  #tick(lateMs: number): void {
    if (!this.#running) return;
    this.#guarded(() => {
      const now = this.#deps.timers.now();
      this.local.ticked();
      this.#core.tick();
      this.#proposals.expire(now);
      this.#reads.expire(now);
      this.#waiters.expire(now);
      this.#watchHealth(now, lateMs);
      if (this.#soft.role === "leader") this.#tickLeader();
      if (this.states.quarantine === null) this.snapshots.maybeTake();
      // At once: another pass through the event loop is what an idle member would mostly do.
      if (this.#running) this.#turn();
    });
  }

  #tickLeader(): void {
    this.states.tick(this.#conf);
    const level = this.level.wanted(this.#conf);
    // Refused while another change is under way: then it is asked for again.
    if (level !== null && this.#core.proposeConf({ level }).kind === "accepted") {
      this.#deps.log("info", "raising the feature level", { level });
    }
  }

  /** A leader that cannot write or is often late must not lead (RAFT.md §4.3, §2.5 row 18). */
  #watchHealth(now: number, lateMs: number): void {
    if (this.#disk.check(now)) this.#deps.log("error", "a log write hangs", { ...this.#soft });
    const { tickMs, electionTicksMin } = this.#deps.limits;
    if (!this.#disk.late(lateMs > (tickMs * electionTicksMin) / 2)) return;
    if (this.#soft.role !== "leader") return;
    const to = bestVoter(this.#core.status());
    const moved = to !== null && this.#core.transferLeader(to).kind === "accepted";
    this.#deps.log("warn", "the event loop is too slow to lead", { lateMs, to, moved });
  }

  #turn(): void {
    this.#proposeQueue();
    this.#reads.ask(this.#deps.timers.now(), (id) => this.#core.readIndex(id));
    for (let round = 0; ; round += 1) {
      const effects = this.#core.takeEffects();
      this.local.sending();
      if (isEmpty(effects)) break;
      this.#perform(effects);
      if (round < ROUNDS_PER_TURN_MAX) continue;
      this.wake();
      break;
    }
    if ((this.#conf.level ?? 0) > this.level.committed) this.level.look(this.#core.status());
    this.#deps.onTurn();
  }

  #proposeQueue(): void {
    const queue = this.#proposals.takeQueue();
    if (queue.length === 0) return;
    for (const batch of runsOfKind(queue)) this.#proposeBatch(batch);
  }

  #proposeBatch(batch: readonly Proposal<R>[]): void {
    const data = batch.map((proposal) => proposal.data);
    const result = this.#core.propose(data, batch[0]?.kind);
    if (result.kind === "accepted") {
      this.#proposals.accepted(batch, result.term, result.firstIndex);
      return;
    }
    const leaderAddress = result.leader === "" ? "" : this.addressOf(result.leader);
    const error = refusal(result.reason, leaderAddress);
    for (const proposal of batch) proposal.reject(error);
  }

  #perform(effects: Effects): void {
    if (effects.conf !== null) {
      mustUnderstand(this.#deps.levels, effects.conf);
      this.#conf = effects.conf;
      this.#know(effects.conf);
      this.#deps.onConf(effects.conf);
    }
    for (const append of effects.appends) this.#append(append);
    this.#send(effects.send);
    if (effects.soft !== null) this.#softChanged(effects.soft);
    this.#answerReads(effects);
    this.#applier.add(effects.apply);
    this.#applier.run();
  }

  #append(append: Append): void {
    const { hardState, entries, snapshot } = append;
    const mark = snapshot === null ? null : { meta: snapshot, reset: true };
    this.#disk.started(this.#deps.timers.now());
    this.#deps.storage.append({ hardState, entries, mark }, () => this.#durable(append));
    if (snapshot !== null) this.#install(snapshot.index, () => this.snapshots.restore(snapshot));
  }

  #durable(append: Append): void {
    if (!this.#running) return;
    this.#disk.finished();
    this.#guarded(() => {
      this.#send(append.onDurable);
      this.#core.durable(append);
    });
    this.wake();
  }

  /** The state machine jumps to a received snapshot. */
  #install(index: number, restore: () => Promise<void>): void {
    this.#applier.restarted(index);
    this.states.restarted();
    this.#proposals.skippedTo(index);
    restore().then(
      () => {
        if (!this.#running) return;
        this.#guarded(() => this.#core.snapshotInstalled(index));
        this.#applied = index;
        this.#waiters.applied(index);
        this.wake();
      },
      (error: unknown) => this.fail(error),
    );
  }

  #send(messages: readonly Message[]): void {
    const byPeer = new Map<MemberId, Message[]>();
    for (const message of messages) {
      assert(message.to !== this.#deps.self, () => `a ${message.type} to ourselves`);
      if (message.type === "snapshot") {
        this.snapshots.send(message);
        continue;
      }
      // With a hanging disk the heartbeats must stop, or nobody would take over.
      const leads = message.type === "heartbeat" || message.type === "append";
      if (leads && this.#disk.hangs) continue;
      const told = this.level.addTo(this.states.addTo(message, this.#conf));
      const list = byPeer.get(message.to);
      if (list === undefined) byPeer.set(message.to, [told]);
      else list.push(told);
    }
    for (const [to, list] of byPeer) this.#deps.transport.send(to, this.addressOf(to), list);
  }

  #softChanged(soft: SoftState): void {
    if (soft.role === "leader") this.#contacts.restart(this.#deps.timers.now());
    this.#soft = soft;
    this.states.leadershipChanged();
    this.level.forget();
    if (soft.leader !== "") this.#reads.retryNow();
    this.#deps.onSoft(soft);
    this.wake();
  }

  #answerReads(effects: Effects): void {
    for (const { requestId, index } of effects.reads) {
      for (const reader of this.#reads.answered(requestId)) {
        const done = this.waitApplied(index, reader.deadline);
        const answer = (): void => {
          this.local.known(reader.askedAt);
          reader.resolve(index);
        };
        done.then(answer, reader.reject);
      }
    }
    // Well before the next tick, which looks again.
    const retryAt = this.#deps.timers.now() + this.#deps.limits.tickMs / 2;
    for (const requestId of effects.readsFailed) this.#reads.failed(requestId, retryAt);
  }

  #applierDeps(): ConstructorParameters<typeof Applier<R>>[0] {
    return {
      machine: this.#deps.machine,
      timers: this.#deps.timers,
      upTo: (next) => this.states.applyUpTo(next),
      applied: (entry, outcome) => {
        this.snapshots.noteApplied(entry.data.length);
        if (outcome === null) this.#proposals.passed(entry.index);
        else this.#proposals.applied(entry.index, entry.term, outcome);
      },
      reached: (index) => {
        this.#core.applied(index);
        this.#applied = index;
        this.#waiters.applied(index);
        this.states.reached(index);
      },
      again: () => {
        this.#deps.timers.soon(() => {
          if (this.#running) this.#guarded(() => this.#applier.run());
          // What has come in meanwhile, and readers of what is applied now.
          if (this.#running) this.#guarded(() => this.#turn());
        });
      },
    };
  }
}

function isEmpty(effects: Effects): boolean {
  return (
    effects.appends.length === 0 &&
    effects.send.length === 0 &&
    effects.apply.length === 0 &&
    effects.reads.length === 0 &&
    effects.readsFailed.length === 0 &&
    effects.soft === null &&
    effects.conf === null
  );
}
