/** What a node can say about its Consul agent (spec chapter 6, node attributes). */
import type Consul from "consul";

interface AgentSelf {
  readonly Config: {
    readonly Datacenter?: string;
    readonly NodeName?: string;
    readonly Server?: boolean;
    readonly Version?: string;
    readonly Revision?: string;
  };
  readonly DebugConfig?: {
    readonly ConnectEnabled?: boolean;
    readonly DNSPort?: number;
    readonly GRPCPort?: number;
  };
}

/** {} when Consul does not answer; never throws. */
export async function consulAttributes(consul: Consul): Promise<Readonly<Record<string, string>>> {
  let self: AgentSelf;
  try {
    self = (await consul.agent.self()) as AgentSelf;
  } catch {
    return {};
  }
  const { Config: config, DebugConfig: debug } = self;
  const values: Record<string, string | number | boolean | undefined> = {
    "consul.server": config.Server,
    "consul.version": config.Version,
    "consul.revision": config.Revision,
    "consul.datacenter": config.Datacenter,
    "unique.consul.name": config.NodeName,
    "consul.connect": debug?.ConnectEnabled,
    "consul.dns.port": debug?.DNSPort,
    "consul.grpc": debug?.GRPCPort,
    "consul.sku": config.Version === undefined ? undefined : skuOf(config.Version),
  };
  const attributes: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== "") attributes[name] = String(value);
  }
  return attributes;
}

function skuOf(version: string): string {
  return version.includes("+ent") ? "ent" : "oss";
}
