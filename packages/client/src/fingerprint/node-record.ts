/** Builds this machine's `Node` from its facts, its configuration and its drivers. */
import type { DriverFingerprint } from "@drover/drivers";
import { type DriverInfo, Eligibility, type Node, NodeStatus } from "@drover/model";
import type { ClientOptions } from "../options.ts";
import type { NodeIdentity } from "../state/identity.ts";
import type { HostFacts } from "./host.ts";

/** The version of the API that this agent speaks; job files constrain on it. */
export const NOMAD_VERSION = "2.0.6-dev";

export interface NodeInput {
  readonly options: ClientOptions;
  readonly identity: NodeIdentity;
  readonly host: HostFacts;
  readonly drivers: ReadonlyMap<string, DriverFingerprint>;
  /** Attributes of the service catalogs, e.g. `consul.version`. */
  readonly catalog: Readonly<Record<string, string>>;
  readonly images: Readonly<Record<string, string>>;
  readonly now: number;
}

export function buildNode(input: NodeInput): Node {
  const { options, identity } = input;
  const name = options.name === "" ? input.host.hostname : options.name;
  return {
    id: identity.nodeId,
    secretId: identity.secretId,
    datacenter: options.datacenter,
    name,
    cgroupParent: "drover.slice",
    httpAddr: options.httpAddr,
    rpcAddr: options.rpcAddr,
    tlsEnabled: options.tlsEnabled,
    attributes: attributesOf(input),
    nodeResources: resourcesOf(input),
    reservedResources: {
      cpu: { cpuShares: options.reserved.cpuShares, reservedCpuCores: [] },
      memory: { memoryMb: options.reserved.memoryMb },
      disk: { diskMb: options.reserved.diskMb },
      networks: { reservedHostPorts: options.reserved.ports },
    },
    links: linksOf(input.catalog),
    meta: { ...options.meta },
    nodeClass: options.nodeClass,
    nodePool: options.nodePool,
    computedClass: "",
    drivers: Object.fromEntries(
      [...input.drivers].map(([driver, print]) => [driver, driverInfo(print, input.now)]),
    ),
    hostVolumes: {},
    hostNetworks: {},
    images: { ...input.images },
    drainStrategy: null,
    schedulingEligibility: Eligibility.eligible,
    status: NodeStatus.initializing,
    statusDescription: "",
    statusUpdatedAt: input.now,
    events: [],
    lastDrain: null,
    nodeMaxAllocs: 0,
    lastMissedHeartbeatIndex: 0,
    lastAllocUpdateIndex: 0,
    createIndex: 0,
    modifyIndex: 0,
  };
}

function driverInfo(print: DriverFingerprint, now: number): DriverInfo {
  return {
    attributes: { ...print.attributes },
    detected: print.detected,
    healthy: print.healthy,
    healthDescription: print.healthDescription,
    updateTime: now,
  };
}

function linksOf(catalog: Readonly<Record<string, string>>): Record<string, string> {
  const datacenter = catalog["consul.datacenter"];
  const name = catalog["unique.consul.name"];
  if (datacenter === undefined || name === undefined) return {};
  return { consul: `${datacenter}.${name}` };
}

function totalShares(input: NodeInput): number {
  const { options, host } = input;
  return options.totalCpuShares > 0 ? options.totalCpuShares : host.cores * host.frequencyMhz;
}

function totalMemoryMb(input: NodeInput): number {
  const configured = input.options.totalMemoryMb;
  return configured > 0 ? configured : Math.floor(input.host.memoryBytes / 1024 ** 2);
}

function attributesOf(input: NodeInput): Record<string, string> {
  const { options, host } = input;
  const shares = totalShares(input);
  const attributes: Record<string, string> = {
    "cpu.arch": host.arch,
    "cpu.frequency": String(host.frequencyMhz),
    "cpu.modelname": host.cpuModel,
    "cpu.numcores": String(host.cores),
    "cpu.reservablecores": String(host.cores),
    "cpu.totalcompute": String(shares),
    "cpu.usablecompute": String(shares - options.reserved.cpuShares),
    "drover.version": options.version,
    "kernel.arch": host.machine,
    "kernel.name": host.kernelName,
    "kernel.version": host.kernelVersion,
    "memory.totalbytes": String(host.memoryBytes),
    "nomad.service_discovery": "true",
    "nomad.version": NOMAD_VERSION,
    "os.cgroups.version": host.cgroupsVersion,
    "os.name": host.osName,
    "os.version": host.osVersion,
    "unique.advertise.address": options.httpAddr,
    "unique.hostname": host.hostname,
    "unique.network.ip-address": options.hostAddress,
    "unique.storage.bytesfree": String(host.diskFreeBytes),
    "unique.storage.bytestotal": String(host.diskBytes),
    "unique.storage.volume": options.dataDir,
  };
  if (host.hostId !== "") attributes["unique.host_id"] = host.hostId;
  for (const [name, print] of input.drivers) {
    if (!print.detected) continue;
    attributes[`driver.${name}`] = "1";
    for (const [key, value] of Object.entries(print.attributes)) {
      // The driver's own mark is a word, the node's a digit, as job files expect.
      if (key !== `driver.${name}`) attributes[key] = value;
    }
  }
  return { ...attributes, ...input.catalog };
}

function resourcesOf(input: NodeInput): Node["nodeResources"] {
  const { options, host } = input;
  const address = options.hostAddress;
  const family = address.includes(":") ? "ipv6" : "ipv4";
  const device = options.networkInterface === "" ? "lo" : options.networkInterface;
  const cores = [...Array(host.cores).keys()];
  return {
    cpu: { cpuShares: totalShares(input), totalCpuCores: host.cores, reservableCpuCores: cores },
    processors: { Topology: topology(cores, host.frequencyMhz) },
    memory: { memoryMb: totalMemoryMb(input) },
    disk: { diskMb: Math.floor(host.diskFreeBytes / 1024 ** 2) },
    devices: [],
    networks: [
      {
        Mode: "host",
        Device: device,
        CIDR: `${address}/${family === "ipv4" ? 32 : 128}`,
        IP: address,
        MBits: 1000,
      },
    ],
    nodeNetworks: [
      {
        mode: "host",
        device,
        macAddress: "",
        speed: 1000,
        addresses: [{ family, alias: "default", address, reservedPorts: "", gateway: "" }],
      },
    ],
    minDynamicPort: options.minDynamicPort,
    maxDynamicPort: options.maxDynamicPort,
  };
}

function topology(cores: readonly number[], frequencyMhz: number) {
  return {
    Nodes: [0],
    Distances: null,
    Cores: cores.map((id) => ({
      SocketID: 0,
      NodeID: 0,
      ID: id,
      Grade: true,
      Disable: false,
      BaseSpeed: frequencyMhz,
      MaxSpeed: 0,
      GuessSpeed: 0,
    })),
    OverrideTotalCompute: 0,
    OverrideWitholdCompute: 0,
  };
}
