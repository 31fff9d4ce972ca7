/**
 * One member as a process of its own, for tests and benches with real crashes. Started by
 * `MemberHandle` (member-handle.ts), which speaks to it over the process channel.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Committed, RaftLimits, RaftNode } from "../node/api.ts";
import type { LevelRange } from "../node/feature-level.ts";
import { openRaftNode } from "../node/open-raft-node.ts";
import { ListMachine } from "../node/testing.ts";
import type { WalOptions } from "../wal/wal.ts";
import { openWorkerStorage } from "../wal/worker-port.ts";
import { hostRaft } from "../ws/testing.ts";
import { createWsTransport } from "../ws/ws-transport.ts";
import { encodeCommand, type RegisterCommand, RegisterStore } from "./register-store.ts";
import { rerouted } from "./rerouted.ts";

export interface StartArgs {
  readonly dataDir: string;
  /** 0 = any. */
  readonly port: number;
  /** Default: loopback. */
  readonly host?: string;
  readonly wal?: WalOptions;
  /** Address of a peer → where it is dialled instead. */
  readonly routes?: Readonly<Record<string, string>>;
  readonly limits?: Partial<RaftLimits>;
  /** False: the state is a counter, so that a bench measures the log and not the state. */
  readonly keepItems?: boolean;
  /** The state is registers: `command`, `read` and `commands` are answered. */
  readonly registers?: boolean;
  /** Feature levels of the program that this is; with registers. */
  readonly levels?: LevelRange;
  /** With a counter: so much is written as its snapshot. */
  readonly snapshotBytes?: number;
}

export interface LoadResult {
  /** Entries written, or reads answered. */
  readonly count: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How late the event loop was meanwhile. */
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
}

export interface MemberCalls {
  start: {
    args: StartArgs;
    result: { memberId: string; address: string };
  };
  bootstrap: { args: { voters: { id: string; address: string }[] }; result: null };
  propose: { args: { text: string; timeoutMs: number }; result: number };
  /**
   * Closed loop of `clients`, each with one proposal of `bytes` or one linearizable read under way,
   * for `ms` or `count` of them.
   */
  load: {
    args: { work: "write" | "read"; clients: number; bytes: number; ms?: number; count?: number };
    result: LoadResult;
  };
  /** To whoever is the most caught up. */
  transfer: { args: null; result: null };
  /** Takes one and resolves when it is durable. */
  snapshot: { args: null; result: { index: number } };
  items: { args: { last: number }; result: string[] };
  /** 1 = it happened, 0 = the value to be replaced was another one. */
  command: {
    args: { command: RegisterCommand; timeoutMs: number };
    result: { index: number; outcome: number };
  };
  read: { args: { key: string; timeoutMs: number }; result: number };
  /** Once `last` is applied: every command in order, and the chain over all of them. */
  commands: {
    args: { last: number };
    result: { outcomes: number[]; chain: number; newest: number };
  };
  status: { args: null; result: { role: string; applied: number; term: number; level: number } };
}

export type MemberRequest = {
  [M in keyof MemberCalls]: { id: number; method: M; args: MemberCalls[M]["args"] };
}[keyof MemberCalls];

export type MemberReply =
  | { id: number; ok: true; value: unknown }
  | { id: number; ok: false; code: string; message: string };

let machine: ListMachine = new ListMachine();
let registers = new RegisterStore();
let node: RaftNode<number> | null = null;

async function start(args: StartArgs): Promise<MemberCalls["start"]["result"]> {
  const { dataDir, limits, snapshotBytes = 0, routes = {}, wal, levels } = args;
  machine = args.keepItems === false ? new CountMachine(snapshotBytes) : new ListMachine();
  const sockets = createWsTransport();
  const { address } = await hostRaft(sockets, args.port, args.host);
  registers = new RegisterStore(levels?.max);
  const stateMachine = args.registers ? registers : machine;
  const transport = rerouted(sockets, routes);
  const storage = wal && openWorkerStorage({ dataDir, wal });
  node = await openRaftNode({ dataDir, address, stateMachine, transport, limits, storage, levels });
  node.on("fatal", (error) => {
    console.error(error);
    process.exit(1);
  });
  return { memberId: node.memberId, address };
}

const PIECE_BYTES = 256 << 10;
/** Kept of a load: a long one must not grow by its own samples. */
const LATENCIES_MAX = 200_000;

class CountMachine extends ListMachine {
  readonly #snapshotBytes: number;
  #count = 0;

  constructor(snapshotBytes: number) {
    super();
    this.#snapshotBytes = snapshotBytes;
  }

  override apply(entries: readonly Committed[]): readonly number[] {
    return entries.map(() => ++this.#count);
  }

  /** Compared with the others', as an application's is. */
  digest(): string {
    return String(this.#count);
  }

  override snapshot(): { stream(): AsyncIterable<Uint8Array> } {
    const bytes = this.#snapshotBytes;
    const head = new BigUint64Array([BigInt(this.#count)]);
    return {
      async *stream() {
        yield new Uint8Array(head.buffer);
        for (let at = 0; at < bytes; at += PIECE_BYTES) yield new Uint8Array(PIECE_BYTES).fill(at);
      },
    };
  }

  override async restore(_meta: unknown, source: AsyncIterable<Uint8Array>): Promise<void> {
    const head = new BigUint64Array(1);
    let read = 0;
    for await (const piece of source) {
      const part = piece.subarray(0, head.byteLength - read);
      new Uint8Array(head.buffer).set(part, read);
      read += part.length;
    }
    this.#count = Number(head[0]);
  }
}

async function load(args: MemberCalls["load"]["args"]): Promise<LoadResult> {
  const member = running();
  const { ms = Number.POSITIVE_INFINITY, count = Number.POSITIVE_INFINITY } = args;
  const latencies: number[] = [];
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const startedAt = performance.now();
  let begun = 0;
  const client = async (n: number): Promise<void> => {
    const data = new Uint8Array(args.bytes).fill(65 + (n % 26));
    while (performance.now() - startedAt < ms && begun < count) {
      begun += 1;
      const at = performance.now();
      if (args.work === "write") await member.propose(data);
      else await member.readBarrier();
      if (latencies.length < LATENCIES_MAX) latencies.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: args.clients }, (_, n) => client(n)));
  const seconds = (performance.now() - startedAt) / 1000;
  delay.disable();
  latencies.sort((a, b) => a - b);
  const at = (q: number): number => latencies[Math.floor(latencies.length * q)] ?? Number.NaN;
  return {
    ...{ count: begun, seconds, p50Ms: at(0.5), p99Ms: at(0.99) },
    delayP99Ms: delay.percentile(99) / 1e6,
    delayMaxMs: delay.max / 1e6,
  };
}

function running(): RaftNode<number> {
  if (node === null) throw new Error("the member is not started");
  return node;
}

async function perform(request: MemberRequest): Promise<unknown> {
  switch (request.method) {
    case "start":
      return await start(request.args);
    case "bootstrap":
      await running().bootstrap({ clusterId: "c1", ...request.args });
      return null;
    case "propose": {
      const data = new TextEncoder().encode(request.args.text);
      return (await running().propose(data, { timeoutMs: request.args.timeoutMs })).index;
    }
    case "load":
      return await load(request.args);
    case "transfer":
      await running().transferLeadership();
      return null;
    case "snapshot":
      return { index: (await running().snapshot()).index };
    case "items":
      await running().waitApplied(request.args.last);
      return machine.items;
    case "command": {
      const { command, timeoutMs } = request.args;
      const data = encodeCommand(command, running().level);
      const { index, result } = await running().propose(data, { timeoutMs });
      return { index, outcome: result };
    }
    case "read": {
      const { key, timeoutMs } = request.args;
      await running().readBarrier({ timeoutMs });
      return registers.read(key);
    }
    case "commands":
      await running().waitApplied(request.args.last);
      return {
        outcomes: registers.outcomes,
        chain: registers.chain,
        newest: registers.newest,
      };
    case "status": {
      const { role, applied, term } = running().status();
      return { role, applied, term, level: running().level };
    }
  }
}

process.on("message", (request: MemberRequest) => {
  const reply = (message: MemberReply): void => {
    process.send?.(message);
  };
  perform(request).then(
    (value) => reply({ id: request.id, ok: true, value }),
    (error: unknown) => {
      const { code, message } = error as { code?: string; message?: string };
      reply({ id: request.id, ok: false, code: code ?? "", message: message ?? String(error) });
    },
  );
});
// A member never outlives the test that started it.
process.on("disconnect", () => process.exit(0));
