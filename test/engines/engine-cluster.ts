/**
 * Three real servers, each with its state machine and its node-to-node listener, on one log engine
 * or the other. Everything but the engine is the same, and so is every source of chance and time.
 */
import { RaftEngine } from "@drover/agent/raft-engine";
import { SeededRandom } from "@drover/base";
import { DEFAULT_TIMINGS, type LogEngine, Server, ServerFsm } from "@drover/server";
import { type Command, type CommandResult, StateMachineStore } from "@drover/state";
import { listen, PeerPool, Router, type WireListener } from "@drover/wire";
import { openRaftNode } from "@raft/node-raft";
import { createWsTransport } from "@raft/node-raft/ws";
import type { EtcdServers } from "../support/etcd.ts";
import { waitUntil } from "../support/wait.ts";
import { EtcdEngine } from "./etcd-engine.ts";
import { EtcdGateway } from "./etcd-gateway.ts";
import { Lockstep } from "./lockstep.ts";

const MEMBERS = 3;
const CLUSTER_ID = "engines";
/** Both count entries: a leader that nobody asked for would shift the indexes. */
const RAFT_LIMITS = { electionTicksMin: 50, electionTicksMax: 100 };
const LEASE_SECONDS = 60;
const EVERY = 1_000;
const WAIT_MS = 60_000;

interface Member {
  readonly server: Server;
  readonly store: StateMachineStore;
  /** What it said of itself, for a test that fails. */
  readonly lines: string[];
  /** Hash chain of the state after every 1,000th index. */
  readonly chains: Map<number, string>;
  readonly commands: Map<number, Command>;
  stop(): Promise<void>;
}

interface Started {
  readonly engine: LogEngine<CommandResult>;
  stop(): Promise<void>;
}

interface Parts {
  readonly fsm: ServerFsm;
  readonly wire: WireListener;
  readonly transport: ReturnType<typeof createWsTransport>;
  readonly number: number;
  readonly log: (message: string) => void;
}

export class EngineCluster {
  readonly members: readonly Member[];
  readonly lockstep: Lockstep;

  private constructor(members: readonly Member[], lockstep: Lockstep) {
    this.members = members;
    this.lockstep = lockstep;
  }

  static async onRaft(dir: string): Promise<EngineCluster> {
    const voters: { id: string; address: string }[] = [];
    const bootstraps: (() => Promise<void>)[] = [];
    const cluster = await EngineCluster.#start(async ({ fsm, wire, transport, number, log }) => {
      const raft = await openRaftNode<CommandResult>({
        dataDir: `${dir}/${number}`,
        address: wire.address,
        stateMachine: fsm,
        transport,
        limits: RAFT_LIMITS,
      });
      raft.on("fatal", (error) => log(`fatal: ${error.message}`));
      voters.push({ id: raft.memberId, address: wire.address });
      bootstraps.push(() => raft.bootstrap({ clusterId: CLUSTER_ID, voters }));
      return { engine: new RaftEngine(raft), stop: () => raft.stop({ transfer: false }) };
    });
    await Promise.all(bootstraps.map((bootstrap) => bootstrap()));
    return cluster;
  }

  /** Each server talks to a member of etcd of its own. */
  static onEtcd(etcd: EtcdServers, options: { readonly firstIndex: number }) {
    const addresses: string[] = [];
    return EngineCluster.#start(async ({ fsm, wire, number, log }) => {
      addresses.push(wire.address);
      const engine = new EtcdEngine<CommandResult>({
        gateway: new EtcdGateway(etcd.members[number % etcd.members.length]?.url ?? ""),
        prefix: `${CLUSTER_ID}/`,
        address: wire.address,
        peers: () => addresses.filter((address) => address !== wire.address),
        firstIndex: options.firstIndex,
        leaseSeconds: LEASE_SECONDS,
        log,
        machine: fsm,
      });
      engine.start();
      return { engine, stop: () => engine.stop() };
    });
  }

  static async #start(open: (parts: Parts) => Promise<Started>): Promise<EngineCluster> {
    const lockstep = new Lockstep();
    // Whoever leads goes on with it: it does not matter who was elected.
    const random = new SeededRandom(7);
    const members: Member[] = [];
    for (let number = 0; number < MEMBERS; number++) {
      members.push(await startMember(number, { lockstep, random, open }));
    }
    return new EngineCluster(members, lockstep);
  }

  /** Who leads, and has written what leadership begins with. */
  async leader(): Promise<Server> {
    return (await waitUntil(
      async () => {
        await this.lockstep.quiet();
        const leading = this.#leading();
        return leading?.server.snapshot().cluster() === undefined ? undefined : leading.server;
      },
      (server) => server !== undefined,
      { timeoutMs: WAIT_MS, what: "a server that leads", everyMs: 10 },
    )) as Server;
  }

  /** Another server leads, and has decided what it found to decide. */
  async changeLeader(): Promise<void> {
    const before = this.#leading();
    await before?.server.engine.transferLeadership();
    await waitUntil(
      async () => {
        await this.lockstep.quiet();
        const now = this.#leading();
        if (now === undefined || now === before) throw new Error("nobody else leads");
        // Refused, and not written, until all that earlier leaders wrote is applied.
        const written = now.server.propose({ tag: 5, evals: [] });
        await Promise.all([written, this.lockstep.quiet()]);
      },
      () => true,
      { timeoutMs: WAIT_MS, what: "another leader", everyMs: 10 },
    );
  }

  /** Every server has applied what any of them has. */
  async level(): Promise<number> {
    const last = Math.max(...this.members.map(({ store }) => store.index));
    await waitUntil(
      () => this.members.map(({ store }) => store.index),
      (indexes) => indexes.every((index) => index === last),
      { timeoutMs: WAIT_MS, what: `every server at index ${last}` },
    );
    return last;
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop()));
  }

  #leading(): Member | undefined {
    return this.members.find(({ server }) => server.engine.leadership().self);
  }
}

async function startMember(
  number: number,
  deps: {
    readonly lockstep: Lockstep;
    readonly random: SeededRandom;
    readonly open: (parts: Parts) => Promise<Started>;
  },
): Promise<Member> {
  const lines: string[] = [];
  const log = (message: string) => void lines.push(`server ${number}: ${message}`);
  const store = new StateMachineStore();
  const fsm = new ServerFsm(store);
  const chains = new Map<number, string>();
  const commands = new Map<number, Command>();
  fsm.onApplied(({ index, command }) => {
    commands.set(index, command);
    if (index % EVERY === 0) chains.set(index, store.snapshot().chain);
  });
  const router = new Router((method, error) => log(`call ${method} failed: ${error}`));
  const peers = new PeerPool(router);
  const transport = createWsTransport();
  const wire = await listen({
    host: "127.0.0.1",
    port: 0,
    router,
    onRaftSocket: (socket, request) => transport.acceptPeer(socket, request),
  });
  const started = await deps.open({ fsm, wire, transport, number, log });
  const server = new Server(
    {
      region: "global",
      timings: DEFAULT_TIMINGS,
      clusterId: () => CLUSTER_ID,
      serverAddresses: () => [wire.address],
    },
    {
      clock: deps.lockstep.clock,
      uptime: () => deps.lockstep.clock.now(),
      random: deps.random,
      log: (level, message, fields) => log(`${level} ${message} ${JSON.stringify(fields ?? {})}`),
      store,
      fsm,
      engine: deps.lockstep.engine(started.engine),
      router,
      peers,
    },
  );
  const stop = async () => {
    server.close();
    await started.stop();
    peers.close();
    await wire.close();
  };
  return { server, store, lines, chains, commands, stop };
}
