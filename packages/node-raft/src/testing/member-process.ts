/**
 * One member as a process of its own, for tests and benches with real crashes. Started by
 * `MemberHandle` (member-handle.ts), which speaks to it over the process channel.
 */
import type { Committed, RaftLimits, RaftNode } from "../node/api.ts";
import { openRaftNode } from "../node/open-raft-node.ts";
import { ListMachine } from "../node/testing.ts";
import { hostRaft } from "../ws/testing.ts";
import { createWsTransport } from "../ws/ws-transport.ts";

export interface StartArgs {
  readonly dataDir: string;
  /** 0 = any. */
  readonly port: number;
  readonly limits?: Partial<RaftLimits>;
  /** False: the state is a counter, so that a bench measures the log and not the state. */
  readonly keepItems?: boolean;
}

export interface MemberCalls {
  start: {
    args: StartArgs;
    result: { memberId: string; address: string };
  };
  bootstrap: { args: { voters: { id: string; address: string }[] }; result: null };
  propose: { args: { text: string; timeoutMs: number }; result: number };
  /** Closed loop of `clients`, each with one proposal of `bytes` under way, for `ms`. */
  load: {
    args: { clients: number; bytes: number; ms: number };
    result: { commits: number; seconds: number; p50Ms: number; p99Ms: number };
  };
  items: { args: { last: number }; result: string[] };
  status: { args: null; result: { role: string; applied: number; term: number } };
}

export type MemberRequest = {
  [M in keyof MemberCalls]: { id: number; method: M; args: MemberCalls[M]["args"] };
}[keyof MemberCalls];

export type MemberReply =
  | { id: number; ok: true; value: unknown }
  | { id: number; ok: false; code: string; message: string };

let machine: ListMachine = new ListMachine();
let node: RaftNode<number> | null = null;

async function start(args: StartArgs): Promise<MemberCalls["start"]["result"]> {
  machine = args.keepItems === false ? new CountMachine() : new ListMachine();
  const transport = createWsTransport();
  const { address } = await hostRaft(transport, args.port);
  const { dataDir, limits } = args;
  const stateMachine = machine;
  node = await openRaftNode({ dataDir, address, stateMachine, transport, limits });
  node.on("fatal", (error) => {
    console.error(error);
    process.exit(1);
  });
  return { memberId: node.memberId, address };
}

class CountMachine extends ListMachine {
  #count = 0;

  override apply(entries: readonly Committed[]): readonly number[] {
    return entries.map(() => ++this.#count);
  }
}

async function load(args: MemberCalls["load"]["args"]): Promise<MemberCalls["load"]["result"]> {
  const member = running();
  const latencies: number[] = [];
  const startedAt = performance.now();
  const client = async (n: number): Promise<void> => {
    const data = new Uint8Array(args.bytes).fill(65 + (n % 26));
    while (performance.now() - startedAt < args.ms) {
      const at = performance.now();
      await member.propose(data);
      latencies.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: args.clients }, (_, n) => client(n)));
  const seconds = (performance.now() - startedAt) / 1000;
  latencies.sort((a, b) => a - b);
  const at = (q: number): number => latencies[Math.floor(latencies.length * q)] ?? Number.NaN;
  return { commits: latencies.length, seconds, p50Ms: at(0.5), p99Ms: at(0.99) };
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
    case "items":
      await running().waitApplied(request.args.last);
      return machine.items;
    case "status": {
      const { role, applied, term } = running().status();
      return { role, applied, term };
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
