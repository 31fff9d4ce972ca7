/** Reads of raft, scheduler and autopilot settings (spec chapter 8 §8.7). */
import { formatDuration, msToNanos } from "@drover/base";
import { schedulerConfigToWire } from "@drover/model";
import { membershipHealth } from "@raft/node-raft";
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

function durationText(ms: number): string {
  return formatDuration(msToNanos(ms));
}

async function raftServers(agent: AgentInfo) {
  const members = await agent.members();
  return members
    .filter((member) => member.inRaft)
    .map((member) => ({
      Address: member.rpcAddr,
      ID: member.id,
      Leader: member.leader,
      Node: `${member.name}.${agent.region}`,
      NewestFeatureLevel: member.level,
      RaftProtocol: "3",
      Voter: member.voter,
    }));
}

const raftConfiguration: LocalHandler = {
  kind: "local",
  run: async (_context, agent) => ({
    json: {
      FeatureLevel: agent.featureLevel(),
      Index: 0,
      Servers: await raftServers(agent),
    },
  }),
};

const autopilotConfiguration: LocalHandler = {
  kind: "local",
  run: async (_context, { autopilot }) => ({
    json: {
      LastContactThreshold: durationText(autopilot.contactMsMax),
      ServerStabilizationTime: durationText(autopilot.stableMs),
      DeadServerThreshold: durationText(autopilot.deadAfterMs),
      CleanupDeadServers: autopilot.replaceDead,
      MaxTrailingLogs: autopilot.trailingMax,
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
    const members = (await agent.members()).filter((member) => member.inRaft);
    const { healthy, failureTolerance } = membershipHealth(members);
    const leader = members.find((member) => member.leader);
    return {
      json: {
        FailureTolerance: failureTolerance,
        Healthy: healthy,
        Leader: leader?.id ?? "",
        Reason: leader?.upkeepReason ?? "",
        Servers: members.map((member) => ({
          LastContact: durationText(member.lastContactMs),
          ID: member.id,
          Name: `${member.name}.${agent.region}`,
          Address: member.rpcAddr,
          SerfStatus: member.alive ? "alive" : "failed",
          Version: agent.version,
          Leader: member.leader,
          LastTerm: member.term,
          LastIndex: member.lastIndex,
          Healthy: member.healthy,
          Voter: member.voter,
          StableSince: new Date(member.since).toISOString(),
        })),
        Voters: members.filter((member) => member.voter).map((member) => member.id),
      },
    };
  },
};

export const operatorLocals = {
  raftConfiguration,
  autopilotConfiguration,
  autopilotHealth,
} as const;
