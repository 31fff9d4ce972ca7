/** Reads of raft, scheduler and autopilot settings (spec chapter 8 §8.7). */
import { schedulerConfigToWire } from "@drover/model";
import type { AgentInfo } from "../../agent-info.ts";
import type { LocalHandler, ReadHandler } from "../handler.ts";

const schedulerConfigRead: ReadHandler = {
  kind: "read",
  tables: ["schedulerConfig"],
  run(context) {
    const index = context.snapshot.tableIndex("schedulerConfig");
    return {
      json: {
        Index: index,
        KnownLeader: true,
        LastContact: 0,
        NextToken: "",
        SchedulerConfig: schedulerConfigToWire(context.snapshot.schedulerConfig()),
      },
      index,
    };
  },
};

export const operatorReads = { schedulerConfigRead } as const;

async function raftServers(agent: AgentInfo) {
  const members = await agent.members();
  return members
    .filter((member) => member.server)
    .map((member) => ({
      Address: member.rpcAddr,
      ID: member.id,
      Leader: member.leader,
      Node: `${member.name}.${agent.region}`,
      RaftProtocol: "3",
      Voter: member.voter,
    }));
}

const raftConfiguration: LocalHandler = {
  kind: "local",
  run: async (_context, agent) => ({ json: { Index: 0, Servers: await raftServers(agent) } }),
};

const autopilotConfiguration: LocalHandler = {
  kind: "local",
  run: async () => ({
    json: {
      LastContactThreshold: "200ms",
      ServerStabilizationTime: "10s",
      CleanupDeadServers: true,
      MaxTrailingLogs: 250,
      MinQuorum: 0,
      EnableRedundancyZones: false,
      DisableUpgradeMigration: false,
      EnableCustomUpgrades: false,
      CreateIndex: 4,
      ModifyIndex: 4,
    },
  }),
};

const autopilotHealth: LocalHandler = {
  kind: "local",
  async run(_context, agent) {
    const members = (await agent.members()).filter((member) => member.server);
    const alive = members.filter((member) => member.alive && member.voter).length;
    const voters = members.filter((member) => member.voter);
    const quorum = Math.floor(voters.length / 2) + 1;
    return {
      json: {
        FailureTolerance: Math.max(0, alive - quorum),
        Healthy: members.every((member) => member.alive),
        Leader: members.find((member) => member.leader)?.id ?? "",
        Servers: members.map((member) => ({
          LastContact: "0s",
          ID: member.id,
          Name: `${member.name}.${agent.region}`,
          Address: member.rpcAddr,
          SerfStatus: member.alive ? "alive" : "failed",
          Version: agent.version,
          Leader: member.leader,
          LastTerm: member.term,
          LastIndex: member.lastIndex,
          Healthy: member.alive,
          Voter: member.voter,
          StableSince: new Date(member.since).toISOString(),
        })),
        Voters: voters.map((member) => member.id),
      },
    };
  },
};

export const operatorLocals = {
  raftConfiguration,
  autopilotConfiguration,
  autopilotHealth,
} as const;
