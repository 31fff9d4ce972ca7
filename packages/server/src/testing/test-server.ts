/**
 * A whole server over a log in memory: time moves when told, leadership comes and goes when told,
 * and what is proposed can be lost, applied without an answer, or held back.
 */
import { type Cancel, type Clock, DroverError, SeededRandom } from "@drover/base";
import type { Job, Node } from "@drover/model";
import { mockEval, mockId, mockNode } from "@drover/model/testing";
import {
  COMMAND_VERSION,
  type Command,
  type CommandResult,
  StateMachineStore,
} from "@drover/state";
import { decodeMessage, encodeMessage, PeerPool, Router, type RpcPeer } from "@drover/wire";
import { type CommandDraft, DEFAULT_TIMINGS } from "../context.ts";
import { ServerFsm } from "../fsm.ts";
import type { LeadershipState, LogEngine } from "../log-engine.ts";
import { Server } from "../server.ts";

/** Timers that one `advance` may come across. */
const FIRED_MAX = 5_000;

export class ManualClock implements Clock {
  #now = 1_767_225_600_000;
  /** How far it has been set, all in all. */
  #setMs = 0;
  readonly #timers = new Set<{ at: number; fn: () => void }>();

  now(): number {
    return this.#now;
  }

  get timers(): number {
    return this.#timers.size;
  }

  setTimer(at: number, fn: () => void): Cancel {
    const timer = { at, fn };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** The program stands still for so long; everything that was due meanwhile is due at once. */
  async stall(ms: number): Promise<void> {
    this.#now += ms;
    await this.advance(0);
  }

  /** Somebody sets the clock, or another machine's is read; timers come as soon as before. */
  set(now: number): void {
    const byMs = now - this.#now;
    for (const timer of this.#timers) timer.at += byMs;
    this.#setMs += byMs;
    this.#now = now;
  }

  /** Milliseconds that have passed, whatever the clock was set to. */
  uptime(): number {
    return this.#now - this.#setMs;
  }

  /** Moves in steps, and lets what a timer has begun come to its end. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (let fired = 0; ; fired++) {
      if (fired > FIRED_MAX) throw new Error("something sets timers for the past without end");
      const due = [...this.#timers].filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#now = Math.max(this.#now, due.at);
      this.#timers.delete(due);
      due.fn();
      await settled();
    }
    this.#now = end;
    await settled();
  }
}

/** Everything that needs no time has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export type Fate = "apply" | "lose" | "apply-unanswered";

export class MemoryLog implements LogEngine<CommandResult> {
  readonly #fsm: ServerFsm;
  readonly #listeners = new Set<(state: LeadershipState) => void>();
  readonly commands: Command[] = [];
  index = 10;
  barriers = 0;
  #leadership: LeadershipState = { self: false, term: 0, leaderAddress: "" };
  /** The feature level; and another version for what is applied, where a test wants an older. */
  agreed = 0;
  version: number | null = null;
  /** What becomes of a proposal; a test replaces it. */
  fate: (command: Command) => Fate = () => "apply";
  /** Proposed and not applied yet: what it gives is waited for. */
  gate: (command: Command) => Promise<void> | undefined = () => undefined;
  /** Clocks of the other members, by address: what their servers answer when asked. */
  readonly others = new Map<string, () => Promise<number>>();
  /** While set, a barrier waits for it. */
  barrierGate: Promise<void> = Promise.resolve();

  constructor(fsm: ServerFsm) {
    this.#fsm = fsm;
  }

  async propose(data: Uint8Array): Promise<{ index: number; term: number; result: CommandResult }> {
    const { self, term } = this.#leadership;
    const command = decodeMessage(data) as Command;
    const gate = this.gate(command);
    if (gate !== undefined) await gate;
    const fate = self ? this.fate(command) : "lose";
    if (fate !== "lose") {
      const result = this.apply(command);
      await Promise.resolve();
      if (fate === "apply") return { index: this.index, term, result };
    }
    throw new DroverError("raft-timeout-unknown", "no answer", { retryable: true });
  }

  /** As another server's entry that arrives here. */
  apply(given: Command): CommandResult {
    const command = this.version === null ? given : { ...given, v: this.version };
    this.index += 1;
    this.commands.push(command);
    const entry = { index: this.index, term: this.#leadership.term, data: encodeMessage(command) };
    const [result] = this.#fsm.apply([entry]);
    if (!result) throw new Error("no result");
    return result;
  }

  async barrier(): Promise<{ index: number }> {
    this.barriers += 1;
    await this.barrierGate;
    return { index: this.index };
  }

  leadership(): LeadershipState {
    return this.#leadership;
  }

  level(): number {
    return this.agreed;
  }

  peers(): string[] {
    return [...this.others.keys()];
  }

  onLeadership(fn: (state: LeadershipState) => void): () => void {
    this.#listeners.add(fn);
    return () => this.#listeners.delete(fn);
  }

  lead(term: number): void {
    this.#announce({ self: true, term, leaderAddress: "self:1" });
  }

  follow(term: number): void {
    this.#announce({ self: false, term, leaderAddress: "" });
  }

  #announce(state: LeadershipState): void {
    this.#leadership = state;
    for (const listener of [...this.#listeners]) listener(state);
  }

  async snapshot(): Promise<void> {}

  async transferLeadership(): Promise<void> {}
}

export interface TestServer {
  readonly server: Server;
  readonly log: MemoryLog;
  readonly clock: ManualClock;
  readonly fsm: ServerFsm;
  readonly store: StateMachineStore;
  readonly router: Router;
  readonly lines: string[];
  /** Applies a command as any server's. */
  apply(draft: CommandDraft): CommandResult;
}

/** Of all servers of a test: a state that was copied knows the tokens of the other. */
let serial = 0;

export function testServer(options: { epoch?: () => number } = {}): TestServer {
  const store = new StateMachineStore();
  const fsm = new ServerFsm(store);
  const log = new MemoryLog(fsm);
  const clock = new ManualClock();
  const router = new Router(() => undefined);
  const lines: string[] = [];
  const server = new Server(
    {
      region: "global",
      timings: DEFAULT_TIMINGS,
      clusterId: () => "cluster-1",
      ...options,
      serverAddresses: () => ["self:1"],
    },
    {
      clock,
      uptime: () => clock.uptime(),
      random: new SeededRandom(7),
      log: (level, message, fields) => {
        lines.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
      },
      store,
      fsm,
      engine: log,
      router,
      peers: new PeerPool(router, async (address) => new OtherServer(address, log)),
    },
  );
  const apply = (draft: CommandDraft) => {
    serial += 1;
    const token = draft.token ?? `test-${serial}`;
    const now = Math.max(clock.now(), store.clock);
    return log.apply({ ...draft, v: COMMAND_VERSION, now, token } as Command);
  };
  return { server, log, clock, fsm, store, router, lines, apply };
}

export function registerNode(test: TestServer, overrides: Partial<Node> = {}): Node {
  const node = mockNode({ status: "ready", ...overrides });
  test.apply({ tag: 9, node, evals: [] });
  return node;
}

/** Registers a job with a pending evaluation; answers the evaluation's id. */
export function registerJob(test: TestServer, job: Job): string {
  const evaluation = mockEval({
    id: mockId(`eval of ${job.id} ${job.version}`),
    jobId: job.id,
    type: job.type,
    priority: job.priority,
  });
  test.apply({
    tag: 1,
    job,
    submission: null,
    enforceIndex: null,
    preserveCounts: false,
    preserveResources: false,
    evaluation,
    alwaysNewVersion: false,
    enforcePriorVersion: null,
  });
  return evaluation.id;
}

/** A client's socket as the sessions see it. */
export class FakePeer implements RpcPeer {
  readonly address: string = "client:1";
  closed = false;
  readonly sent: { method: string; payload: unknown }[] = [];
  readonly #onClose: ((reason: string) => void)[] = [];

  call<_Q, A>(): Promise<A> {
    return Promise.reject(new Error("not called"));
  }

  notify<Q>(method: string, payload: Q): void {
    this.sent.push({ method, payload });
  }

  open<_Q, A>(): Promise<{ head: A; stream: never }> {
    return Promise.reject(new Error("not called"));
  }

  onClose(fn: (reason: string) => void): () => void {
    if (this.closed) fn("closed");
    else this.#onClose.push(fn);
    return () => undefined;
  }

  close(reason = ""): void {
    if (this.closed) return;
    this.closed = true;
    for (const fn of this.#onClose.splice(0)) fn(reason);
  }
}

/** Another member of the log, of which nothing but its clock can be asked. */
class OtherServer extends FakePeer {
  override readonly address: string;
  readonly #log: MemoryLog;

  constructor(address: string, log: MemoryLog) {
    super();
    this.address = address;
    this.#log = log;
  }

  override async call<_Q, A>(method?: string): Promise<A> {
    const clock = this.#log.others.get(this.address);
    if (clock === undefined || method !== "server.clock") throw new Error("not called");
    return (await clock()) as A;
  }
}
