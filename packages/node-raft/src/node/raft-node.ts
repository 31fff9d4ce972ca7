/** `RaftNode` over an engine that exists once the member belongs to a cluster. */
import { bootstrapState } from "../core/bootstrap.ts";
import { isJoint } from "../core/conf-state.ts";
import type { MembershipChange, RandomSource } from "../core/options.ts";
import { RaftCore } from "../core/raft.ts";
import type { Entry, HardState, MemberId, SnapshotMeta } from "../core/types.ts";
import { EntryKind } from "../core/types.ts";
import type { RaftStorage, StorageState } from "../wal/storage.ts";
import type {
  OpenRaftOptions,
  ProposalSession,
  ProposeOptions,
  RaftLimits,
  RaftNode,
  RaftNodeEvents,
  RaftStatus,
  RaftTimers,
  ReadOptions,
  ReadPoint,
  SessionId,
} from "./api.ts";
import { RaftError } from "./api.ts";
import { bestVoter } from "./best-voter.ts";
import { Emitter } from "./emitter.ts";
import { Engine, type EngineDeps } from "./engine.ts";
import { mustUnderstand } from "./feature-level.ts";
import { Levels } from "./levels.ts";
import { ReadModes } from "./read-modes.ts";
import { encodeCommand, encodeOpening, mintNonce, wrongSession } from "./session-entry.ts";
import { SessionMachine } from "./session-machine.ts";
import { emptyStatus, leadershipOf, showStatus } from "./status.ts";

/** Larger commands must be split by their proposer (DESIGN §5). */
const ENTRY_BYTES_MAX = 8 * 1024 * 1024;
const PROPOSE_TIMEOUT_MS = 10_000;
const READ_TIMEOUT_MS = 10_000;
const MEMBERSHIP_TIMEOUT_MS = 30_000;
const STOP_TRANSFER_MS = 2_000;

export interface NodeParts {
  readonly storage: RaftStorage;
  readonly state: StorageState;
  readonly limits: RaftLimits;
  readonly leases: boolean;
  readonly timers: RaftTimers;
  readonly random: RandomSource;
}

interface Leadership {
  readonly leader: MemberId | "";
  readonly leaderAddress: string;
  readonly term: number;
  readonly self: boolean;
}

export class DrivenRaftNode<R> implements RaftNode<R> {
  readonly memberId: MemberId;
  readonly fresh: boolean;
  readonly #options: OpenRaftOptions<R>;
  readonly #parts: NodeParts;
  readonly #events: Emitter<RaftNodeEvents>;
  readonly #levels = new Levels();
  readonly #machine: SessionMachine<R>;
  #clusterId: string;
  #engine: Engine<R> | null = null;
  #reads: ReadModes<R> | null = null;
  #leadership: Leadership = { leader: "", leaderAddress: "", term: 0, self: false };
  #starting = false;
  #failed = false;
  #stopped: Promise<void> | null = null;

  constructor(options: OpenRaftOptions<R>, parts: NodeParts) {
    this.#options = options;
    this.#parts = parts;
    this.#machine = new SessionMachine(options.stateMachine, options.resultCodec);
    this.memberId = parts.state.memberId;
    this.#clusterId = parts.state.clusterId;
    this.fresh = parts.state.clusterId === "";
    this.#events = new Emitter((error) => {
      this.#log("error", "a listener threw", { error: String(error) });
    });
    parts.storage.onFailure((error) => this.#fail(error));
  }

  get clusterId(): string {
    return this.#clusterId;
  }

  get level(): number {
    return this.#engine?.level.committed ?? 0;
  }

  async bootstrap(options: {
    clusterId: string;
    voters: readonly { id: MemberId; address: string }[];
  }): Promise<void> {
    const { clusterId, voters } = options;
    if (!voters.some((voter) => voter.id === this.memberId)) {
      throw new RaftError("refused", `the voters do not include this member (${this.memberId})`);
    }
    await this.#initialize(clusterId, bootstrapState(voters));
  }

  async join(options: { clusterId: string }): Promise<void> {
    const hardState = { term: 0, vote: "" as const, commit: 0 };
    await this.#initialize(options.clusterId, { hardState, entries: [] });
  }

  /** A directory that holds a cluster already: restore the state machine, then take part. */
  async resume(): Promise<void> {
    const { state, storage } = this.#parts;
    if (state.snapshot !== null && state.quarantine === null) {
      const source = storage.readSnapshot(state.snapshot);
      await this.#machine.restore(state.snapshot, source);
    }
    await this.#start(state);
  }

  async #initialize(
    clusterId: string,
    start: { hardState: HardState; entries: readonly Entry[] },
  ): Promise<void> {
    if (clusterId === "") throw new RaftError("refused", "a cluster needs an id");
    if (this.#clusterId !== "" || this.#starting) {
      throw new RaftError("refused", `this member belongs to cluster ${this.#clusterId} already`);
    }
    this.#starting = true;
    try {
      await this.#parts.storage.initialize({ clusterId, ...start });
      this.#clusterId = clusterId;
      await this.#start({ ...start, snapshot: null, quarantine: null });
    } finally {
      this.#starting = false;
    }
  }

  async #start(
    state: Pick<StorageState, "hardState" | "snapshot" | "entries" | "quarantine">,
  ): Promise<void> {
    const { hardState, snapshot, entries, quarantine } = state;
    const { limits, leases, random } = this.#parts;
    const initial = { hardState, snapshot, entries };
    const core = new RaftCore({ id: this.memberId, leases, limits, random, initial });
    const logBytes = entries.reduce((sum, entry) => sum + entry.data.length, 0);
    mustUnderstand(this.#options.levels ?? null, core.status().conf);
    const engine = this.#buildEngine(core, { quarantine, logBytes });
    engine.snapshots.begin(snapshot);
    this.#engine = engine;
    this.#reads = new ReadModes(engine, limits, leases);
    const self = {
      memberId: this.memberId,
      clusterId: this.#clusterId,
      address: this.#options.address,
    };
    await this.#options.transport.start(engine.handler(), self);
    engine.start();
  }

  #buildEngine(core: RaftCore, found: Pick<EngineDeps<R>, "quarantine" | "logBytes">): Engine<R> {
    const { storage, limits, leases, timers } = this.#parts;
    const { transport, stateMachine } = this.#options;
    return new Engine<R>({
      ...found,
      self: this.memberId,
      core,
      storage,
      transport,
      machine: this.#machine,
      stateMachine,
      limits,
      levels: this.#options.levels ?? null,
      leases,
      timers,
      log: (level, message, fields) => this.#log(level, message, fields),
      onSoft: () => this.#announceLeadership(),
      onConf: (conf) => {
        this.#events.emit("config", conf);
        this.#announceLeadership();
      },
      onQuarantine: (why) => this.#events.emit("quarantine", why),
      onTurn: () => this.#levels.check(timers.now()),
      onFatal: (error) => this.#fail(error),
    });
  }

  propose(
    data: Uint8Array,
    options: ProposeOptions = {},
  ): Promise<{ index: number; term: number; result: R }> {
    const engine = this.#engine;
    if (engine === null || !engine.running) return Promise.reject(this.#notRunning());
    if (data.length > ENTRY_BYTES_MAX) {
      const message = `an entry of ${data.length} bytes; at most ${ENTRY_BYTES_MAX} are allowed`;
      return Promise.reject(new RaftError("refused", message));
    }
    const deadline = this.#deadline(options.timeoutMs ?? PROPOSE_TIMEOUT_MS);
    const { session } = options;
    if (session !== undefined) return this.#proposeIn(engine, session, data, deadline);
    const { normal: kind } = EntryKind;
    return new Promise((resolve, reject) => {
      engine.propose({ kind, data, deadline, resolve, reject });
    });
  }

  #proposeIn(
    engine: Engine<R>,
    session: ProposalSession,
    command: Uint8Array,
    deadline: number,
  ): Promise<{ index: number; term: number; result: R }> {
    const wrong = wrongSession(session);
    if (wrong !== null) return Promise.reject(new RaftError("refused", wrong));
    const data = encodeCommand(session, command);
    const { session: kind } = EntryKind;
    return new Promise((resolve, reject) => {
      engine.propose({ kind, data, deadline, resolve, reject });
    });
  }

  openSession(options: { timeoutMs?: number } = {}): Promise<SessionId> {
    const engine = this.#engine;
    if (engine === null || !engine.running) return Promise.reject(this.#notRunning());
    const deadline = this.#deadline(options.timeoutMs ?? PROPOSE_TIMEOUT_MS);
    const { limits, random } = this.#parts;
    const nonce = mintNonce(random);
    const { sessionsMax, sessionResultsMax: resultsMax } = limits;
    const resultBytesMax = limits.sessionResultBytesMax;
    const data = encodeOpening({ nonce, sessionsMax, resultsMax, resultBytesMax });
    const { session: kind } = EntryKind;
    return new Promise((opened, reject) => {
      engine.propose({ kind, data, deadline, resolve: () => {}, opened, reject });
    });
  }

  readBarrier(options: ReadOptions = {}): Promise<ReadPoint> {
    if (this.#reads === null || !this.#engine?.running) return Promise.reject(this.#notRunning());
    // In every mode, also those that ask nobody.
    const refused = this.#engine.mustNotRead();
    if (refused !== null) return Promise.reject(refused);
    return this.#reads.read(options);
  }

  waitApplied(index: number, options: { timeoutMs?: number } = {}): Promise<void> {
    const engine = this.#engine;
    if (engine === null || !engine.running) return Promise.reject(this.#notRunning());
    const deadline = this.#deadline(options.timeoutMs ?? READ_TIMEOUT_MS);
    return engine.waitApplied(index, deadline);
  }

  async changeMembership(
    change: MembershipChange,
    options: { timeoutMs?: number } = {},
  ): Promise<void> {
    const timeoutMs = options.timeoutMs ?? MEMBERSHIP_TIMEOUT_MS;
    const deadline = this.#deadline(timeoutMs);
    const engine = this.#running();
    // At once where possible: what was decided on may be over in a moment.
    let result = engine.core.proposeConf(change);
    if (result.kind === "refused" && result.reason === "leader-not-ready") {
      // Before it has committed in its term a new leader may not answer a read either, so a read
      // is the way to wait for that.
      await this.readBarrier({ timeoutMs });
      result = this.#running().core.proposeConf(change);
    }
    engine.wake();
    if (result.kind === "refused") {
      if (result.reason === "not-leader") throw this.#notLeader();
      throw new RaftError("refused", `${result.reason}: ${result.detail}`);
    }
    const { index, term } = result;
    const done = (): boolean => {
      const status = engine.status();
      if (status.applied < index) {
        if (status.term === term) return false;
        throw new RaftError("timeout-unknown", "leadership was lost during the change");
      }
      return status.commit >= status.confIndex && !isJoint(status.conf);
    };
    await this.#levels.until(done, deadline, "the new configuration");
  }

  async transferLeadership(to?: MemberId): Promise<void> {
    // The core gives up after the shortest election time-out.
    const { tickMs, electionTicksMin } = this.#parts.limits;
    await this.#transfer(to, tickMs * (electionTicksMin + 2));
  }

  async #transfer(to: MemberId | undefined, timeoutMs: number): Promise<void> {
    const engine = this.#running();
    if (engine.soft.role !== "leader") throw this.#notLeader();
    const target = to ?? bestVoter(engine.status());
    if (target === null) throw new RaftError("refused", "no other voter can lead");
    if (target === this.memberId) throw new RaftError("refused", `${target} leads already`);
    const result = engine.core.transferLeader(target);
    engine.wake();
    if (result.kind === "refused") {
      if (result.reason === "not-leader") throw this.#notLeader();
      throw new RaftError("refused", `${target}: ${result.reason}`);
    }
    const moved = (): boolean => {
      const { leader } = engine.soft;
      return leader !== "" && leader !== this.memberId;
    };
    await this.#levels.until(moved, this.#deadline(timeoutMs), `${target} to lead`);
  }

  async snapshot(): Promise<SnapshotMeta> {
    const engine = this.#running();
    if (engine.states.quarantine !== null) {
      throw new RaftError(
        "quarantined",
        "the state of a member in quarantine is worth no snapshot",
      );
    }
    return await engine.snapshots.take();
  }

  status(): RaftStatus {
    const ids = { memberId: this.memberId, clusterId: this.#clusterId };
    if (this.#engine === null) return emptyStatus(ids);
    const { snapshots, states, level } = this.#engine;
    const status = this.#engine.status();
    const leads = status.role === "leader";
    return showStatus(ids, status, snapshots.newest?.index ?? 0, {
      quarantine: states.quarantine,
      quarantined: leads ? [...states.others] : [],
      level: level.committed,
      levels: leads ? Object.fromEntries(level.told) : {},
      silentMs: this.#engine.silence(),
    });
  }

  on<E extends keyof RaftNodeEvents>(event: E, fn: RaftNodeEvents[E]): () => void {
    return this.#events.on(event, fn);
  }

  stop(options: { transfer?: boolean } = {}): Promise<void> {
    this.#stopped ??= this.#stop(options.transfer ?? true);
    return this.#stopped;
  }

  async #stop(transfer: boolean): Promise<void> {
    const engine = this.#engine;
    if (transfer && engine?.running && engine.soft.role === "leader") {
      try {
        await this.#transfer(undefined, STOP_TRANSFER_MS);
      } catch (error) {
        this.#log("info", "stopping without handing leadership over", { error: String(error) });
      }
    }
    engine?.halt();
    this.#levels.rejectAll();
    await this.#options.transport.close();
    await this.#parts.storage.close();
  }

  #announceLeadership(): void {
    const engine = this.#engine;
    if (engine === null) return;
    const next = leadershipOf(engine.soft, (id) => engine.addressOf(id));
    const last = this.#leadership;
    const same = next.leader === last.leader && next.term === last.term && next.self === last.self;
    if (same && next.leaderAddress === last.leaderAddress) return;
    this.#leadership = next;
    this.#log("info", "leadership", { ...next });
    this.#events.emit("leadership", next);
  }

  #fail(error: Error): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#engine?.halt();
    this.#levels.rejectAll();
    this.#log("error", "this member cannot go on", { error: error.stack ?? error.message });
    this.#events.emit("fatal", error);
  }

  #running(): Engine<R> {
    if (this.#engine === null || !this.#engine.running) throw this.#notRunning();
    return this.#engine;
  }

  #notRunning(): RaftError {
    if (this.#engine !== null) return new RaftError("stopped", "the node is stopped");
    return new RaftError("not-leader", "this member belongs to no cluster yet");
  }

  #notLeader(): RaftError {
    const { leaderAddress } = this.#leadership;
    return new RaftError("not-leader", "this member does not lead", { leaderAddress });
  }

  #deadline(timeoutMs: number): number {
    return this.#parts.timers.now() + timeoutMs;
  }

  #log(
    level: "debug" | "info" | "warn" | "error",
    message: string,
    fields: Record<string, unknown>,
  ): void {
    this.#options.log?.(level, message, { member: this.memberId, ...fields });
  }
}
