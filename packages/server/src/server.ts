/**
 * One server: the replicated log, the state it makes, the leader's loops while we lead, and the
 * sessions of client agents. Everything a user asks of it is in `operations/`.
 */
import { type Clock, DroverError, type Random } from "@drover/base";
import {
  type Command,
  type CommandResult,
  commandVersionAt,
  type StateMachineStore,
  type StateSnapshot,
  type TableName,
} from "@drover/state";
import { encodeMessage, type PeerPool, type RpcRouter } from "@drover/wire";
import type { Applied, CommandDraft, Log, ServerContext, ServerTimings } from "./context.ts";
import { EventRing } from "./event-ring.ts";
import type { ServerFsm } from "./fsm.ts";
import { LeaderCalls } from "./leader/leader-call.ts";
import { LeaderLoops } from "./leader/leader-loops.ts";
import type { LeadershipState, LogEngine } from "./log-engine.ts";
import { CLOCK_OFF_MS, PeerClocks } from "./peer-clocks.ts";
import { ClientSessions } from "./sessions/client-sessions.ts";
import { SteadyClock } from "./steady-clock.ts";

const ESTABLISH_RETRY_MS = 100;

export interface ServerOptions {
  readonly region: string;
  readonly timings: ServerTimings;
  /** Minted when the cluster is formed; stamped into the state by its first leader. */
  readonly clusterId: () => string;
  /** The cluster's history begins anew with a higher one (DESIGN §8); 1 when left out. */
  readonly epoch?: () => number;
  readonly serverAddresses: () => readonly string[];
}

export interface ServerDeps {
  readonly clock: Clock;
  /** Milliseconds since some moment; nobody sets it. */
  readonly uptime: () => number;
  readonly random: Random;
  readonly log: Log;
  readonly store: StateMachineStore;
  readonly fsm: ServerFsm;
  readonly engine: LogEngine<CommandResult>;
  readonly router: RpcRouter;
  readonly peers: PeerPool;
}

export class Server implements ServerContext {
  readonly region: string;
  readonly clock: Clock;
  readonly wall: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly store: StateMachineStore;
  readonly engine: LogEngine<CommandResult>;
  readonly timings: ServerTimings;
  readonly #options: ServerOptions;
  readonly #fsm: ServerFsm;
  readonly #steady: SteadyClock;
  readonly #peerClocks: PeerClocks;
  readonly #calls: LeaderCalls;
  readonly #sessions: ClientSessions;
  /** The latest events of this machine, for `/v1/event/stream`. */
  readonly events = new EventRing();
  readonly #loops: LeaderLoops;
  readonly #offLeadership: () => void;
  readonly #withdrawn = new AbortController();
  /** Term we were elected for; 0 = we do not lead. */
  #leadingTerm = 0;
  /** Term in which everything of earlier leaders is applied here: only then may we decide. */
  #establishedTerm = 0;

  constructor(options: ServerOptions, deps: ServerDeps) {
    this.#options = options;
    this.region = options.region;
    this.timings = options.timings;
    this.#steady = new SteadyClock(deps.clock, deps.uptime);
    this.clock = this.#steady;
    this.wall = deps.clock;
    this.random = deps.random;
    this.log = deps.log;
    this.store = deps.store;
    this.engine = deps.engine;
    this.#fsm = deps.fsm;
    this.#peerClocks = new PeerClocks({ ...deps, wall: deps.clock });
    deps.fsm.onApplied((applied) => this.events.append(applied));
    this.events.reset(this.store.index);
    deps.fsm.onRestored(() => this.events.reset(this.store.index));
    this.#loops = new LeaderLoops(this, deps.fsm);
    this.#calls = new LeaderCalls(this, deps.peers, deps.router);
    this.#loops.registerOperations(this.#calls);
    this.#sessions = new ClientSessions(this, {
      calls: this.#calls,
      router: deps.router,
      servers: { addresses: options.serverAddresses },
    });
    this.#offLeadership = deps.engine.onLeadership((state) => this.#leadership(state));
    this.#leadership(deps.engine.leadership());
  }

  snapshot(): StateSnapshot {
    return this.store.snapshot();
  }

  async barrier(): Promise<void> {
    await this.engine.barrier();
  }

  onApplied(fn: (applied: Applied) => void): () => void {
    return this.#fsm.onApplied(fn);
  }

  /**
   * Waits until one of the tables has changed after `index`; false when `deadline` (by the wall
   * clock) came first or the caller went away.
   */
  async changed(
    tables: readonly TableName[],
    snapshot: StateSnapshot,
    options: { readonly deadline: number; readonly signal: AbortSignal },
  ): Promise<boolean> {
    const signal = AbortSignal.any([options.signal, this.withdrawn]);
    if (signal.aborted) return false;
    const wait = snapshot.changed(tables.map((table) => ({ table })));
    return await new Promise<boolean>((resolve) => {
      const done = (changed: boolean) => {
        cancelTimer();
        signal.removeEventListener("abort", gone);
        if (!changed) wait.cancel();
        resolve(changed);
      };
      const gone = () => done(false);
      const cancelTimer = this.wall.setTimer(options.deadline, () => done(false));
      signal.addEventListener("abort", gone);
      void wait.promise.then(() => done(true));
    });
  }

  /** Aborted once this server's state must not be shown any more (DESIGN §12.9). */
  get withdrawn(): AbortSignal {
    return this.#withdrawn.signal;
  }

  /**
   * For good: this server's state is not the cluster's. Its sessions are closed, and whoever waits
   * here is sent to another server.
   */
  withdraw(): void {
    if (this.withdrawn.aborted) return;
    this.#withdrawn.abort();
    this.#loops.stop();
    this.#sessions.close();
  }

  /** For answers that were on their way when it happened. */
  mustServe(): void {
    if (!this.withdrawn.aborted) return;
    throw new DroverError("quarantined", "this server's state is in quarantine", {
      retryable: true,
    });
  }

  onRestored(fn: () => void): () => void {
    return this.#fsm.onRestored(fn);
  }

  /**
   * Fenced by the term: what is proposed was decided from a state that has all that earlier leaders
   * wrote, since decision and proposal share one turn of the event loop.
   */
  async propose(draft: CommandDraft, options: { timeoutMs?: number } = {}): Promise<CommandResult> {
    const { self, term } = this.engine.leadership();
    if (!self || term !== this.#establishedTerm) {
      throw new DroverError("no-leader", "No cluster leader", { retryable: true });
    }
    return await this.#write(draft, options);
  }

  async #write(draft: CommandDraft, options: { timeoutMs?: number }): Promise<CommandResult> {
    const command = {
      ...draft,
      v: commandVersionAt(this.engine.level()),
      now: Math.max(this.clock.now(), this.store.clock),
      // Without one nobody asks again, and no server need remember the answer.
      token: draft.token ?? "",
    } as Command;
    // The log keeps it, and must not keep the encoder's buffer with it.
    const bytes = new Uint8Array(encodeMessage(command));
    const { result } = await this.engine.propose(bytes, options);
    return result;
  }

  /** The operations that sessions and other servers reach through the leader. */
  get leaderCalls(): LeaderCalls {
    return this.#calls;
  }

  close(): void {
    this.#offLeadership();
    this.#leadingTerm = 0;
    this.#establishedTerm = 0;
    this.#loops.stop();
    this.#sessions.close();
  }

  #leadership(state: LeadershipState): void {
    if (!state.self) {
      if (this.#leadingTerm !== 0) this.log("info", "leadership lost", { term: state.term });
      this.#leadingTerm = 0;
      this.#establishedTerm = 0;
      this.#loops.stop();
      return;
    }
    if (this.#leadingTerm === state.term) return;
    // Elected again without having been told of the loss: what runs belongs to the old term.
    this.#loops.stop();
    this.#establishedTerm = 0;
    this.#leadingTerm = state.term;
    this.log("info", "leadership gained", { term: state.term });
    void this.#establish(state.term);
  }

  /** A barrier first, so that the loops see all that earlier leaders wrote. */
  async #establish(term: number): Promise<void> {
    try {
      const [medianMs] = await Promise.all([this.#peerClocks.offset(), this.engine.barrier()]);
      if (this.#leadingTerm !== term) return;
      this.#setTime(medianMs);
      const cluster = this.store.snapshot().cluster();
      const epoch = this.#options.epoch?.() ?? 1;
      if (!cluster || cluster.epoch < epoch) {
        const clusterId = cluster?.clusterId ?? this.#options.clusterId();
        await this.#write({ tag: 26, clusterId, epoch }, {});
      }
      if (this.#leadingTerm !== term) return;
      this.#establishedTerm = term;
      this.#loops.start();
    } catch (error) {
      const retry = error instanceof DroverError ? error.retryable : true;
      this.log("warn", "leadership not established", { term, error: String(error) });
      if (retry && this.#leadingTerm === term) {
        this.clock.setTimer(this.clock.now() + ESTABLISH_RETRY_MS, () => {
          if (this.#leadingTerm === term) void this.#establish(term);
        });
      }
    }
  }

  #setTime(medianMs: number): void {
    const aheadMs = this.#steady.startFrom(this.store.clock, medianMs);
    if (aheadMs > CLOCK_OFF_MS) {
      this.log("warn", "this machine's clock is behind the cluster's", { behindMs: aheadMs });
    } else if (aheadMs < -CLOCK_OFF_MS) {
      this.log("warn", "this machine's clock is ahead of the cluster's", { aheadMs: -aheadMs });
    }
  }
}
