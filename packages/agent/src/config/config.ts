/** What an agent is told: defaults, then files in order, then flags (spec: reference `agent`). */
import { hostname } from "node:os";
import { type MembershipSettings, membershipDefaults } from "@raft/node-raft";

export interface AgentConfig {
  readonly name: string;
  readonly region: string;
  readonly datacenter: string;
  /** "" only in development mode. */
  readonly dataDir: string;
  readonly bindAddr: string;
  readonly ports: { readonly http: number; readonly rpc: number };
  /** Addresses that other machines use, host or host:port; "" = the bound ones. */
  readonly advertise: { readonly http: string; readonly rpc: string };
  readonly logLevel: string;
  readonly logJson: boolean;
  /** Runs ahead of ordinary programs where it may (ADR 0007). */
  readonly realtime: boolean;
  readonly dev: boolean;
  readonly server: ServerConfig;
  readonly autopilot: AutopilotConfig;
  readonly client: ClientConfig;
  /** null = no Consul: services and checks are the built-in ones. */
  readonly consul: { readonly address: string; readonly token: string } | null;
  readonly docker: { readonly enabled: boolean; readonly endpoint: string };
  readonly rawExec: { readonly enabled: boolean };
  readonly mockDriver: { readonly enabled: boolean };
  /** host[:port] of agents to join through. */
  readonly join: readonly string[];
}

export interface ServerConfig {
  readonly enabled: boolean;
  /** Servers that must agree before a cluster is formed; 0 = join an existing one. */
  readonly bootstrapExpect: number;
  readonly heartbeatGraceMs: number;
  readonly minHeartbeatTtlMs: number;
  readonly maxHeartbeatsPerSecond: number;
}

/** How the leader keeps the voters complete (RAFT.md §4.4), in the field's words. */
export type AutopilotConfig = Pick<
  MembershipSettings,
  "replaceDead" | "deadAfterMs" | "stableMs" | "contactMsMax" | "trailingMax"
>;

export interface ClientConfig {
  readonly enabled: boolean;
  readonly nodeClass: string;
  readonly nodePool: string;
  readonly meta: Readonly<Record<string, string>>;
  readonly networkInterface: string;
  readonly minDynamicPort: number;
  readonly maxDynamicPort: number;
  readonly reserved: {
    readonly cpuShares: number;
    readonly memoryMb: number;
    readonly diskMb: number;
    readonly ports: string;
  };
  readonly totalCpuShares: number;
  readonly totalMemoryMb: number;
  readonly maxKillTimeoutMs: number;
  readonly consumerGraceMs: number;
  readonly deregisterAckTimeoutMs: number;
  readonly gcMaxAllocs: number;
}

const LOG_LEVELS: readonly string[] = ["debug", "info", "warn", "error"];

export const DEFAULT_RPC_PORT = 4647;
export const DEFAULT_HTTP_PORT = 4646;

export function defaultConfig(): AgentConfig {
  return {
    name: hostname(),
    region: "global",
    datacenter: "dc1",
    dataDir: "",
    bindAddr: "127.0.0.1",
    ports: { http: DEFAULT_HTTP_PORT, rpc: DEFAULT_RPC_PORT },
    advertise: { http: "", rpc: "" },
    logLevel: "info",
    logJson: false,
    realtime: true,
    dev: false,
    server: {
      enabled: true,
      bootstrapExpect: 0,
      heartbeatGraceMs: 10_000,
      minHeartbeatTtlMs: 10_000,
      maxHeartbeatsPerSecond: 50,
    },
    autopilot: {
      replaceDead: membershipDefaults.replaceDead,
      deadAfterMs: membershipDefaults.deadAfterMs,
      stableMs: membershipDefaults.stableMs,
      contactMsMax: membershipDefaults.contactMsMax,
      trailingMax: membershipDefaults.trailingMax,
    },
    client: {
      enabled: true,
      nodeClass: "",
      nodePool: "default",
      meta: {},
      networkInterface: "",
      minDynamicPort: 20_000,
      maxDynamicPort: 32_000,
      reserved: { cpuShares: 0, memoryMb: 0, diskMb: 0, ports: "" },
      totalCpuShares: 0,
      totalMemoryMb: 0,
      maxKillTimeoutMs: 30_000,
      consumerGraceMs: 2_000,
      deregisterAckTimeoutMs: 5_000,
      gcMaxAllocs: 50,
    },
    consul: null,
    docker: { enabled: true, endpoint: "" },
    rawExec: { enabled: false },
    mockDriver: { enabled: false },
    join: [],
  };
}

/** Any part may be left out; lists of addresses add up, everything else is replaced. */
export type ConfigLayer = {
  readonly [K in keyof AgentConfig]?: K extends
    | "server"
    | "client"
    | "autopilot"
    | "ports"
    | "advertise"
    ? Partial<AgentConfig[K]>
    : AgentConfig[K];
};

export function mergeConfig(base: AgentConfig, layer: ConfigLayer): AgentConfig {
  return {
    ...base,
    ...layer,
    ports: { ...base.ports, ...layer.ports },
    advertise: { ...base.advertise, ...layer.advertise },
    server: { ...base.server, ...layer.server },
    autopilot: { ...base.autopilot, ...layer.autopilot },
    client: { ...base.client, ...layer.client },
    join: [...base.join, ...(layer.join ?? [])],
  };
}

/** One machine for trying out: server and client, nothing kept, every driver. */
export function devConfig(): AgentConfig {
  return mergeConfig(defaultConfig(), {
    dev: true,
    server: { bootstrapExpect: 1 },
    rawExec: { enabled: true },
    mockDriver: { enabled: true },
    logLevel: "info",
    // On a machine that people work at it is one program among others.
    realtime: false,
  });
}

/** What is wrong with a configuration, each with its remedy; empty = nothing. */
export function configProblems(config: AgentConfig): string[] {
  const problems: string[] = [];
  if (!config.server.enabled && !config.client.enabled) {
    problems.push("Must specify either server, client or dev mode for the agent.");
  }
  if (config.dataDir === "" && !config.dev) {
    problems.push('Must specify "data_dir" config option or "-data-dir" CLI flag');
  }
  if (config.dataDir !== "" && !config.dataDir.startsWith("/")) {
    problems.push(`"data_dir" must be an absolute path, not ${JSON.stringify(config.dataDir)}`);
  }
  if (!LOG_LEVELS.includes(config.logLevel)) {
    problems.push(
      `"log_level" or "-log-level" must be one of ${LOG_LEVELS.join(", ")}, ` +
        `not ${JSON.stringify(config.logLevel)}`,
    );
  }
  if (config.server.bootstrapExpect < 0) {
    problems.push('"bootstrap_expect" cannot be negative: give the number of servers');
  }
  const lonely = config.server.bootstrapExpect === 0 && config.join.length === 0;
  if (config.server.enabled && lonely && !config.dev) {
    problems.push(
      'A server needs "-bootstrap-expect N" to form a cluster, or "-join ADDRESS" to enter one.',
    );
  }
  return problems;
}
