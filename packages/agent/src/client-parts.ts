/** Puts the node agent together: drivers, service discovery, and its link to the servers. */
import {
  CLIENT_DEFAULTS,
  type ClientAgent,
  loadNodeIdentity,
  RpcServerLink,
  registrationSink,
  scriptRunner,
  startClient,
} from "@drover/client";
import { BuiltinDiscovery, ConsulDiscovery, type ServiceDiscovery } from "@drover/discovery";
import { createDrivers } from "@drover/drivers";
import { dial, type Router } from "@drover/wire";
import type { AgentDeps } from "./agent.ts";
import type { AgentConfig } from "./config/config.ts";
import { systemClock, systemRandom } from "./real-world.ts";
import { COMPATIBILITY_VERSION } from "./version.ts";

export interface ClientParts {
  readonly dataDir: string;
  readonly router: Router;
  readonly rpcAddress: string;
  readonly httpAddress: string;
  readonly servers: () => readonly string[];
}

export async function openClient(
  config: AgentConfig,
  deps: AgentDeps,
  parts: ClientParts,
): Promise<ClientAgent> {
  const { log } = deps;
  const { dataDir, router, rpcAddress } = parts;
  const warn = (message: string, error: unknown) => log("warn", message, { error: String(error) });
  const link = new RpcServerLink({
    clock: systemClock,
    random: systemRandom,
    log,
    router,
    dial: (address) => dial(address, router),
    servers: parts.servers,
  });
  let running: ClientAgent | null = null;
  const { nodeId } = await loadNodeIdentity(dataDir);
  const discoveries: ServiceDiscovery[] = [];
  if (config.consul) {
    const { address, token } = config.consul;
    const options = { address, nodeId, ...(token === "" ? {} : { token }) };
    const runScript = scriptRunner(() => running);
    discoveries.push(new ConsulDiscovery(options, { onWarning: warn, runScript }));
  }
  discoveries.push(new BuiltinDiscovery({ sink: registrationSink(link), onWarning: warn }));
  const drivers = createDrivers({
    stateDir: dataDir,
    docker: {
      enabled: config.docker.enabled,
      ...(config.docker.endpoint === "" ? {} : { endpoint: config.docker.endpoint }),
    },
    rawExec: {
      enabled: config.rawExec.enabled,
      ...(deps.executorCommand ? { executorCommand: deps.executorCommand } : {}),
    },
    mock: config.mockDriver,
    onWarning: warn,
  });
  const { client } = config;
  running = await startClient(
    {
      ...CLIENT_DEFAULTS,
      dataDir,
      region: config.region,
      name: config.name,
      datacenter: config.datacenter,
      nodeClass: client.nodeClass,
      nodePool: client.nodePool,
      meta: client.meta,
      httpAddr: parts.httpAddress,
      rpcAddr: rpcAddress,
      hostAddress: hostOf(parts.httpAddress),
      networkInterface: client.networkInterface,
      minDynamicPort: client.minDynamicPort,
      maxDynamicPort: client.maxDynamicPort,
      reserved: client.reserved,
      totalCpuShares: client.totalCpuShares,
      totalMemoryMb: client.totalMemoryMb,
      version: COMPATIBILITY_VERSION,
      maxKillTimeoutMs: client.maxKillTimeoutMs,
      consumerGraceMs: client.consumerGraceMs,
      deregisterAckTimeoutMs: client.deregisterAckTimeoutMs,
      gcMaxAllocs: client.gcMaxAllocs,
      killTasksOnStop: config.dev,
    },
    { clock: systemClock, random: systemRandom, log, link, drivers, discoveries },
  );
  return running;
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":"));
}
