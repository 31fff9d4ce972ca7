/** What an agent says of itself and of the members it sees (spec chapter 8 §8.7). */
import { badRequest } from "@drover/api";
import type { AgentInfo, MemberInfo } from "../../agent-info.ts";
import { Fields } from "../fields.ts";
import type { LocalHandler } from "../handler.ts";

const SCHEDULERS = ["service", "batch", "system", "sysbatch", "_core"];

const agentSelf: LocalHandler = {
  kind: "local",
  async run(_context, agent) {
    const members = await agent.members();
    const own = members.find((member) => member.id === agent.id);
    return {
      json: {
        config: agent.config(),
        member: own ? memberDoc(own, agent) : null,
        stats: agent.stats(),
      },
    };
  },
};

function memberDoc(member: MemberInfo, agent: AgentInfo): Record<string, unknown> {
  const [host = "", port = "0"] = splitAddress(member.rpcAddr);
  const tags: Record<string, string> = {
    build: agent.version,
    dc: member.datacenter,
    id: member.id,
    port,
    raft_vsn: "3",
    region: agent.region,
    revision: "",
    role: "nomad",
    rpc_addr: host,
    vsn: "1",
  };
  if (member.bootstrap) tags.bootstrap = "1";
  if (member.expect > 0) tags.expect = String(member.expect);
  if (!member.voter) tags.nonvoter = "1";
  if (member.quarantine !== "") tags.quarantine = member.quarantine;
  return {
    Addr: host,
    DelegateCur: 4,
    DelegateMax: 5,
    DelegateMin: 2,
    Name: `${member.name}.${agent.region}`,
    Port: Number(port) + 1,
    ProtocolCur: 2,
    ProtocolMax: 5,
    ProtocolMin: 1,
    Status: member.alive ? "alive" : "failed",
    Tags: tags,
  };
}

function splitAddress(address: string): [string, string] {
  const colon = address.lastIndexOf(":");
  return [address.slice(0, colon), address.slice(colon + 1)];
}

const agentMembers: LocalHandler = {
  kind: "local",
  async run(_context, agent) {
    const members = (await agent.members()).filter((member) => member.server);
    return {
      json: {
        Members: members.map((member) => memberDoc(member, agent)),
        ServerDC: agent.datacenter,
        ServerName: agent.name,
        ServerRegion: agent.region,
      },
    };
  },
};

const agentServers: LocalHandler = {
  kind: "local",
  async run(_context, agent) {
    const members = await agent.members();
    return { json: members.filter((m) => m.server).map((m) => m.rpcAddr) };
  },
};

const agentHealth: LocalHandler = {
  kind: "local",
  async run(context, agent) {
    const type = context.query.all.get("type") ?? "";
    const doc: Record<string, { message: string; ok: boolean }> = {};
    if (agent.isClient && type !== "server") doc.client = health(agent.clientOk());
    if (agent.isServer && type !== "client") {
      const why = agent.quarantine();
      doc.server = why === "" ? health(agent.serversOk()) : { message: why, ok: false };
    }
    const ok = Object.values(doc).every((part) => part.ok);
    return { status: ok ? 200 : 500, json: doc };
  },
};

function health(ok: boolean): { message: string; ok: boolean } {
  return { message: ok ? "ok" : "no leader", ok };
}

const agentSchedulersConfig: LocalHandler = {
  kind: "local",
  run: async (_context, agent) => ({
    json: {
      enabled_schedulers: SCHEDULERS,
      num_schedulers: 1,
      server_id: `${agent.name}.${agent.region}`,
    },
  }),
};

const agentSchedulers: LocalHandler = {
  kind: "local",
  run: async (_context, agent) => ({
    json: {
      schedulers: [
        {
          enabled_schedulers: SCHEDULERS,
          id: agent.id,
          started: "0001-01-01T00:00:00Z",
          status: "Started",
          workload_status: "WaitingToDequeue",
        },
      ],
      server_id: `${agent.name}.${agent.region}`,
    },
  }),
};

const agentJoin: LocalHandler = {
  kind: "local",
  async run(context, agent) {
    const addresses = context.query.all.getAll("address");
    if (addresses.length === 0) throw badRequest("missing address to join");
    const result = await agent.join(addresses);
    return { json: { error: result.error, num_joined: result.joined } };
  },
};

const statusLeader: LocalHandler = {
  kind: "local",
  async run(_context, agent) {
    if (agent.isServer) return { json: agent.leaderAddress() };
    const leader = (await agent.members()).find((member) => member.leader && member.alive);
    return { json: leader?.rpcAddr ?? "" };
  },
};

const statusPeers: LocalHandler = {
  kind: "local",
  async run(_context, agent) {
    const members = await agent.members();
    return { json: members.filter((m) => m.server && m.voter).map((m) => m.rpcAddr) };
  },
};

const regions: LocalHandler = {
  kind: "local",
  run: async (_context, agent) => ({ json: [agent.region] }),
};

const metrics: LocalHandler = {
  kind: "local",
  async run(context, agent) {
    return { text: await agent.metrics(context.query.all.get("format") ?? "") };
  },
};

const jobParse: LocalHandler = {
  kind: "local",
  async run(context, agent) {
    const body = new Fields(await context.json(), "api.JobsParseRequest");
    const source = body.string("JobHCL");
    if (source === "") throw badRequest("Job spec is empty");
    return {
      json: await agent.parseJob(source, body.string("Variables"), body.boolean("Canonicalize")),
    };
  },
};

export const agentLocals = {
  agentSelf,
  agentMembers,
  agentServers,
  agentHealth,
  agentSchedulers,
  agentSchedulersConfig,
  agentJoin,
  statusLeader,
  statusPeers,
  regions,
  metrics,
  jobParse,
} as const;
