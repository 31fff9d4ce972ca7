/** The simulated cluster: servers, client machines, the wire, engines and a catalog. */
import type { Server, ServerTimings } from "@drover/server";
import { asFailure, type Scenario, type SimFailure, type Trace, World } from "@raft/node-raft/sim";
import type { ClusterChecker } from "../checkers/checker.ts";
import { tellEntry } from "../story.ts";
import { SimCatalog } from "./catalog.ts";
import { Machine } from "./machine.ts";
import { ServerMember } from "./server-member.ts";
import { mainContainer, Truth } from "./truth.ts";
import { SimWire } from "./wire.ts";

const TIMINGS: ServerTimings = {
  minHeartbeatTtlMs: 10_000,
  maxHeartbeatsPerSecond: 50,
  heartbeatGraceMs: 10_000,
  failoverHeartbeatTtlMs: 30_000,
  gcIntervalMs: 300_000,
};

export interface ClusterOptions {
  readonly raft: Scenario;
  readonly machines: number;
  readonly cpuShares: number;
  readonly wallOffsetMs: number;
  readonly wireDelayMs: readonly [number, number];
  readonly checkers: readonly ClusterChecker[];
  readonly keepLines: boolean;
}

export class Cluster {
  readonly raft: World;
  readonly scenario: Scenario;
  readonly wire: SimWire;
  readonly catalog: SimCatalog;
  readonly truth: Truth;
  readonly machines: Machine[] = [];
  readonly timings = TIMINGS;
  readonly cpuShares: number;
  readonly wallOffsetMs: number;
  /** What the agents logged; only when lines are kept. */
  readonly logs: string[] = [];
  readonly #keepLines: boolean;
  readonly #members: ServerMember[] = [];

  constructor(options: ClusterOptions) {
    this.scenario = options.raft;
    this.#keepLines = options.keepLines;
    this.cpuShares = options.cpuShares;
    this.wallOffsetMs = options.wallOffsetMs;
    this.raft = new World(
      options.raft,
      (id, _world, known) => {
        const member = new ServerMember(id, this, known);
        this.#members.push(member);
        return member;
      },
      options.keepLines,
    );
    const { clock, random, network } = this.raft;
    this.wire = new SimWire(network, random.fork("wire"), { delayMs: options.wireDelayMs });
    this.truth = new Truth({
      now: () => clock.now,
      checkers: options.checkers,
      guard: (fn) => this.raft.guard(fn),
      tell: (entry) => {
        if (this.#keepLines) this.log(`#${entry.after.index}`, "commit", tellEntry(entry), {});
      },
      note: (kind, ...parts) => {
        this.trace.note(kind, ...parts);
        if (this.#keepLines && kind !== "commit") this.log("", kind, parts.join(" "), {});
      },
    });
    this.catalog = new SimCatalog(clock, random.fork("catalog"), (host, spec) => {
      const engine = this.machines.find((machine) => machine.host === host)?.engine;
      const container = engine === undefined ? undefined : mainContainer(engine, spec.allocId);
      return container !== undefined && container.readyAt <= clock.now;
    });
    this.catalog.onChange = () => this.truth.changed();
    this.truth.catalog = this.catalog;
    for (let number = 1; number <= options.machines; number += 1) {
      const machine = new Machine(number, this);
      this.machines.push(machine);
      this.truth.engines.push(machine.engine);
    }
  }

  get trace(): Trace {
    return this.raft.trace;
  }

  /** Without those that are lost for good. */
  get members(): readonly ServerMember[] {
    return this.#members.filter((member) => !member.lost);
  }

  get addresses(): readonly string[] {
    return this.members.map(({ id }) => `${id}:4647`);
  }

  bootstrap(): void {
    this.raft.bootstrap();
    for (const machine of this.machines) machine.boot();
  }

  /** The server that leads and answers; null when there is none. */
  leader(): Server | null {
    const member = this.raft.leader()?.member;
    const found = this.members.find((one) => one === member);
    return found?.server ?? null;
  }

  /** Cuts a machine off from everyone; returns the healing. */
  isolate(host: string): () => void {
    const others = [...this.#members.map(({ id }) => id), ...this.machines.map((m) => m.host)];
    return this.raft.network.cut(
      others
        .filter((other) => other !== host)
        .flatMap((other): [string, string][] => [
          [host, other],
          [other, host],
        ]),
    );
  }

  log(host: string, level: string, message: string, fields: object): void {
    if (level === "error") this.trace.count(`logged error: ${message}`);
    if (!this.#keepLines) return;
    const time = this.raft.clock.now.toFixed(1).padStart(9);
    this.logs.push(`${time} ${host} ${level} ${message} ${JSON.stringify(fields)}`);
  }

  fail(what: string, error: unknown): void {
    this.raft.failure ??= asFailure(what, error) satisfies SimFailure;
  }
}
