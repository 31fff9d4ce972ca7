/**
 * One machine's agent: the same program everywhere, server and client by configuration (DESIGN §8).
 * This file only puts the parts together, in the order in which they need each other.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClientAgent } from "@drover/client";
import { type Log, Server, ServerFsm } from "@drover/server";
import { type CommandResult, FEATURE_LEVELS, StateMachineStore } from "@drover/state";
import { listen, PeerPool, Router, type WireListener } from "@drover/wire";
import {
  openRaftNode,
  originalClusterId,
  type RaftNode,
  recoveryEpoch,
  type SpawnWorker,
} from "@raft/node-raft";
import { createWsTransport } from "@raft/node-raft/ws";
import { advertised, withPort } from "./addresses.ts";
import { createAgentInfo } from "./agent-info-impl.ts";
import { openClient } from "./client-parts.ts";
import { Cluster, type ClusterOptions } from "./cluster/cluster.ts";
import { type AgentConfig, DEFAULT_RPC_PORT } from "./config/config.ts";
import { createGate } from "./gate.ts";
import { Dispatcher } from "./http/dispatcher.ts";
import { type ExecDeps, serveExecStreams } from "./http/exec/exec-stream.ts";
import { serveExecUpgrades } from "./http/exec/exec-upgrade.ts";
import { serveForwarded } from "./http/forward.ts";
import { createHandlers } from "./http/handlers/index.ts";
import { listenHttp } from "./http/http-server.ts";
import { LogTap } from "./log-tap.ts";
import { RaftEngine } from "./raft-engine.ts";
import { realWorld, systemClock } from "./real-world.ts";
import { type OpenParts, stopAgent } from "./stop-agent.ts";

export interface AgentDeps {
  readonly log: Log;
  /** For programs bundled into one file. */
  readonly spawnRaftWorker?: SpawnWorker;
  readonly executorCommand?: readonly string[];
  /** The process cannot go on: disk error, corruption, bug. */
  readonly onFatal: (error: Error) => void;
}

export interface RunningAgent {
  readonly httpAddress: string;
  readonly rpcAddress: string;
  readonly config: AgentConfig;
  /** Hands leadership over; tasks keep running unless this is a development agent. */
  stop(): Promise<void>;
}

interface Parts {
  readonly raft: RaftNode<CommandResult> | null;
  readonly server: Server | null;
  readonly engine: RaftEngine<CommandResult> | null;
  readonly cluster: Cluster;
}

export async function startAgent(config: AgentConfig, given: AgentDeps): Promise<RunningAgent> {
  const tap = new LogTap(given.log, () => systemClock.now());
  const { log } = tap;
  const deps = { ...given, log };
  const open: OpenParts = {};
  try {
    return await openParts(config, deps, tap, open);
  } catch (error) {
    // What is open already would keep the process alive, and its ports taken.
    await stopAgent(open, log);
    throw error;
  }
}

async function openParts(
  config: AgentConfig,
  deps: AgentDeps,
  tap: LogTap,
  open: OpenParts,
): Promise<RunningAgent> {
  const { log } = deps;
  const dataDir = config.dataDir || (await mkdtemp(join(tmpdir(), "drover-dev-")));
  if (config.dataDir === "") open.cleanUp = () => rm(dataDir, { recursive: true, force: true });
  await mkdir(dataDir, { recursive: true });
  const router = new Router((method, error) => {
    log("debug", "call failed", { method, error: String(error) });
  });
  const peers = new PeerPool(router);
  open.peers = peers;
  const transport = createWsTransport({ log: (level, text, fields) => log(level, text, fields) });
  const wire = await openWire(config, log, router, transport);
  open.wire = wire;
  const rpcAddress = advertised(config.advertise.rpc, wire.address);
  const httpAdvertised = (bound: string) => advertised(config.advertise.http, bound);
  const client = (): ClientAgent | null => open.client ?? null;
  const parts = await openServer(config, deps, {
    dataDir,
    router,
    peers,
    transport,
    rpcAddress,
    httpHint: httpAdvertised(`${config.bindAddr}:${config.ports.http}`),
  });
  Object.assign(open, parts);
  const { cluster } = parts;
  const otherServers = () =>
    cluster.isForming ? [] : cluster.serverAddresses().filter((a) => a !== rpcAddress);
  const agent = createAgentInfo(config, { ...parts, rpcAddress, client, tap });
  const clientGate = createGate();
  const execDeps: ExecDeps = {
    clientOpen: clientGate.opened,
    // Beside the cluster its state is none, or an old one.
    server: () => (cluster.isForming || cluster.isBeside ? null : parts.server),
    client,
    peers,
    otherServers,
  };
  const dispatcher = new Dispatcher({
    ...execDeps,
    agent,
    handlers: createHandlers(config.region),
    log,
    authorize: () => true,
  });
  serveForwarded(router, (request, options) => dispatcher.handle(request, options));
  serveExecStreams(router, execDeps);
  const http = await listenHttp({ host: config.bindAddr, port: config.ports.http, dispatcher });
  open.http = http;
  serveExecUpgrades(http.node, { ...execDeps, log });
  stepBeside(parts, client);
  cluster.start();
  if (config.client.enabled) {
    open.client = await openClient(config, deps, {
      dataDir,
      router,
      rpcAddress,
      httpAddress: httpAdvertised(http.address),
      servers: () => (cluster.isBeside ? otherServers() : [rpcAddress]),
    });
  }
  clientGate.open();
  return { httpAddress: http.address, rpcAddress, config, stop: () => stopAgent(open, log) };
}

/** A session with our own server, which will never have a leader, or must not have one, ends. */
function stepBeside({ cluster, server }: Parts, client: () => ClientAgent | null): void {
  const withdraw = (): void => {
    if (cluster.quarantine !== "") server?.withdraw();
  };
  cluster.onBeside(() => {
    withdraw();
    client()?.reconnect("this machine's own server serves nothing");
  });
  withdraw();
}

function openWire(
  config: AgentConfig,
  log: Log,
  router: Router,
  transport: ReturnType<typeof createWsTransport>,
): Promise<WireListener> {
  return listen({
    host: config.bindAddr,
    port: config.ports.rpc,
    router,
    onRaftSocket: (socket, request) => transport.acceptPeer(socket, request),
    onError: (error) => log("error", "accepting a connection failed", { error: error.message }),
  });
}

async function openServer(
  config: AgentConfig,
  deps: AgentDeps,
  options: {
    dataDir: string;
    router: Router;
    peers: PeerPool;
    transport: ReturnType<typeof createWsTransport>;
    rpcAddress: string;
    httpHint: string;
  },
): Promise<Parts> {
  const { dataDir, router, peers, transport, rpcAddress } = options;
  const { log } = deps;
  const store = new StateMachineStore();
  const fsm = new ServerFsm(store);
  const raft = config.server.enabled
    ? await openRaftNode<CommandResult>({
        dataDir: join(dataDir, "raft"),
        address: rpcAddress,
        stateMachine: fsm,
        transport,
        levels: FEATURE_LEVELS,
        storage: config.dataDir === "" ? "memory" : undefined,
        spawnWorker: deps.spawnRaftWorker,
        log: (level, text, fields) => log(level, text, { ...fields }),
      })
    : null;
  raft?.on("fatal", deps.onFatal);
  const cluster = new Cluster(
    {
      self: identityOf(config, options, raft?.memberId ?? rpcAddress),
      join: config.join.map((address) => withPort(address, DEFAULT_RPC_PORT)),
      membership: config.autopilot,
    },
    { clock: systemClock, log, router, peers, raft },
  );
  if (!raft) return { raft, server: null, engine: null, cluster };
  const engine = new RaftEngine(raft);
  const server = new Server(
    {
      region: config.region,
      timings: {
        minHeartbeatTtlMs: config.server.minHeartbeatTtlMs,
        maxHeartbeatsPerSecond: config.server.maxHeartbeatsPerSecond,
        heartbeatGraceMs: config.server.heartbeatGraceMs,
        // The sessions are held by the servers, so clients go on beating through a failover.
        failoverHeartbeatTtlMs:
          2 * config.server.minHeartbeatTtlMs + config.server.heartbeatGraceMs,
        gcIntervalMs: 300_000,
      },
      // A recovered cluster is another one to its servers, and the same to clients and tasks.
      clusterId: () => originalClusterId(raft.clusterId),
      epoch: () => Math.max(1, recoveryEpoch(raft.clusterId)),
      serverAddresses: () => cluster.serverAddresses(),
    },
    { ...realWorld, log, store, fsm, engine, router, peers },
  );
  return { raft, server, engine, cluster };
}

function identityOf(
  config: AgentConfig,
  at: { readonly rpcAddress: string; readonly httpHint: string },
  id: string,
): ClusterOptions["self"] {
  return {
    id,
    name: config.name,
    rpcAddr: at.rpcAddress,
    httpAddr: at.httpHint,
    datacenter: config.datacenter,
    region: config.region,
    server: config.server.enabled,
    client: config.client.enabled,
    level: FEATURE_LEVELS.max,
    expect: config.server.bootstrapExpect,
  };
}
