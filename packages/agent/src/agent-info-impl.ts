/** Answers what the HTTP handlers ask of the agent itself. */

import { badRequest } from "@drover/api";
import type { ClientAgent } from "@drover/client";
import { encodeInput, jobSchema } from "@drover/model";
import type { Server } from "@drover/server";
import type { CommandResult } from "@drover/state";
import type { RaftNode } from "@raft/node-raft";
import type { AgentInfo } from "./agent-info.ts";
import { canonicalJobDoc } from "./canonical-doc.ts";
import type { Cluster } from "./cluster/cluster.ts";
import type { AgentConfig } from "./config/config.ts";
import type { LogTap } from "./log-tap.ts";
import { renderMetrics } from "./metrics.ts";
import type { RaftEngine } from "./raft-engine.ts";
import { COMPATIBILITY_VERSION, DROVER_VERSION } from "./version.ts";

export interface AgentInfoParts {
  readonly raft: RaftNode<CommandResult> | null;
  readonly server: Server | null;
  readonly engine: RaftEngine<CommandResult> | null;
  readonly cluster: Cluster;
  readonly rpcAddress: string;
  readonly client: () => ClientAgent | null;
  readonly tap: LogTap;
}

export function createAgentInfo(config: AgentConfig, parts: AgentInfoParts): AgentInfo {
  const { raft, server, engine, cluster, rpcAddress } = parts;
  return {
    name: config.name,
    id: raft?.memberId ?? rpcAddress,
    region: config.region,
    datacenter: config.datacenter,
    version: COMPATIBILITY_VERSION,
    rpcAddr: rpcAddress,
    // Where the cluster wants no more servers, this machine's own answers nothing.
    get isServer() {
      return config.server.enabled && !cluster.isOutside;
    },
    isClient: config.client.enabled,
    autopilot: config.autopilot,
    featureLevel: () => raft?.level ?? 0,
    leaderAddress: () => engine?.leadership().leaderAddress ?? "",
    members: () => cluster.members(),
    config: () => selfConfig(config),
    stats: () => stats(parts),
    quarantine: () => cluster.quarantine,
    serversOk: () => (engine?.leadership().leaderAddress ?? "") !== "",
    clientOk: () => parts.client()?.connected ?? false,
    join: (addresses) => cluster.join(addresses),
    metrics: (format) => renderMetrics(format, { server, client: parts.client(), raft }),
    async parseJob(source, variables, canonicalize) {
      // Most agents never parse a job file: the command line does.
      const { parseSource } = await import("./parse-source.ts");
      const parsed = parseSource(source, variables);
      if (parsed.error !== "") throw badRequest(`Failed to parse job: ${parsed.error}`);
      if (!parsed.job) return null;
      if (canonicalize) return canonicalJobDoc(parsed.job, config.region);
      return encodeInput(jobSchema, parsed.job);
    },
    listenLog: (level, listener) => parts.tap.listen(level, listener),
  };
}

/** The members that clients look at; secrets are never in it. */
function selfConfig(config: AgentConfig): Record<string, unknown> {
  return {
    ACL: { Enabled: false },
    AdvertiseAddrs: { HTTP: config.advertise.http, RPC: config.advertise.rpc, Serf: "" },
    BindAddr: config.bindAddr,
    Client: { Enabled: config.client.enabled, NodeClass: config.client.nodeClass },
    Consul: config.consul ? { Addr: config.consul.address } : null,
    DataDir: config.dataDir,
    Datacenter: config.datacenter,
    DevMode: config.dev,
    LogLevel: config.logLevel.toUpperCase(),
    NodeName: config.name,
    Ports: { HTTP: config.ports.http, RPC: config.ports.rpc, Serf: config.ports.rpc + 1 },
    Region: config.region,
    Server: {
      BootstrapExpect: config.server.bootstrapExpect,
      Enabled: config.server.enabled,
    },
    UI: {
      Consul: { BaseUIURL: "" },
      ContentSecurityPolicy: {
        ConnectSrc: ["*"],
        DefaultSrc: ["'none'"],
        FormAction: ["'none'"],
        FrameAncestors: ["'none'"],
        ImgSrc: ["'self'", "data:"],
        ScriptSrc: ["'self'"],
        StyleSrc: ["'self'", "'unsafe-inline'"],
      },
      Enabled: true,
      Label: { BackgroundColor: "", Text: "", TextColor: "" },
      ShowCLIHints: true,
      Vault: { BaseUIURL: "" },
    },
    Version: { Version: COMPATIBILITY_VERSION, DroverVersion: DROVER_VERSION },
  };
}

function stats(parts: AgentInfoParts): Record<string, Record<string, string>> {
  const status = parts.raft?.status();
  const client = parts.client();
  return {
    nomad: {
      bootstrap: "false",
      known_regions: "1",
      leader: String(status !== undefined && status.leader === status.memberId),
      leader_addr: status?.leaderAddress ?? "",
      server: String(parts.server !== null),
    },
    ...(status
      ? {
          raft: {
            applied_index: String(status.applied),
            commit_index: String(status.commit),
            feature_level: String(status.level),
            last_log_index: String(status.lastIndex),
            num_peers: String(Math.max(0, status.conf.voters.length - 1)),
            state: status.role === "leader" ? "Leader" : "Follower",
            term: String(status.term),
            ...(parts.cluster.quarantine === "" ? {} : { quarantine: parts.cluster.quarantine }),
          },
        }
      : {}),
    ...(client
      ? {
          client: {
            known_servers: parts.cluster
              .serverAddresses()
              .filter((address) => parts.server !== null || address !== parts.rpcAddress)
              .join(","),
            node_id: client.nodeId,
            num_allocations: String(client.allocIds.length),
          },
        }
      : {}),
    runtime: { arch: process.arch, version: process.version },
  };
}
