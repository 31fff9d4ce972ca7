/** A machine that runs allocations (spec chapter 1 §1.12). */
import {
  bool,
  duration,
  type Infer,
  instantSeconds,
  instantText,
  int,
  json,
  list,
  map,
  nullable,
  object,
  record,
  string,
} from "../schema/field.ts";

export const NodeStatus = {
  initializing: "initializing",
  ready: "ready",
  down: "down",
  disconnected: "disconnected",
} as const;
export type NodeStatus = (typeof NodeStatus)[keyof typeof NodeStatus];

export const Eligibility = { eligible: "eligible", ineligible: "ineligible" } as const;

export const driverInfoSchema = record("DriverInfo", {
  attributes: map(string(), { keepEmpty: true }),
  detected: bool(),
  healthy: bool(),
  healthDescription: string(),
  updateTime: instantText(),
});
export type DriverInfo = Infer<typeof driverInfoSchema>;

export const nodeEventSchema = record("NodeEvent", {
  message: string(),
  subsystem: string(),
  details: map(string()),
  timestamp: instantText(),
  createIndex: int(),
});
export type NodeEvent = Infer<typeof nodeEventSchema>;

export const drainStrategySchema = record("DrainStrategy", {
  /** Nanoseconds; < 0 = force now, 0 = no deadline. */
  deadline: duration(),
  ignoreSystemJobs: bool(),
  forceDeadline: instantText(),
  startedAt: instantText(),
});
export type DrainStrategy = Infer<typeof drainStrategySchema>;

export const lastDrainSchema = record("LastDrain", {
  startedAt: instantText(),
  updatedAt: instantText(),
  status: string(),
  accessorId: string({ wire: "AccessorID" }),
  meta: map(string(), { keepEmpty: true }),
});

export const nodeAddressSchema = record("NodeAddress", {
  family: string(),
  alias: string(),
  address: string(),
  reservedPorts: string(),
  gateway: string(),
});
export const nodeNetworkSchema = record("NodeNetwork", {
  mode: string(),
  device: string(),
  macAddress: string(),
  speed: int(),
  addresses: list(object(nodeAddressSchema)),
});

export const nodeResourcesSchema = record("NodeResources", {
  cpu: object(
    record("NodeCpu", {
      cpuShares: int(),
      totalCpuCores: int(),
      reservableCpuCores: list(int()),
    }),
  ),
  processors: json(),
  memory: object(record("NodeMemory", { memoryMb: int({ wire: "MemoryMB" }) })),
  disk: object(record("NodeDisk", { diskMb: int({ wire: "DiskMB" }) })),
  devices: list(json()),
  networks: list(json()),
  nodeNetworks: list(object(nodeNetworkSchema)),
  minDynamicPort: int({ default: 20000 }),
  maxDynamicPort: int({ default: 32000 }),
});
export type NodeResources = Infer<typeof nodeResourcesSchema>;

export const reservedResourcesSchema = record("ReservedResources", {
  cpu: object(record("ReservedCpu", { cpuShares: int(), reservedCpuCores: list(int()) })),
  memory: object(record("ReservedMemory", { memoryMb: int({ wire: "MemoryMB" }) })),
  disk: object(record("ReservedDisk", { diskMb: int({ wire: "DiskMB" }) })),
  networks: object(record("ReservedNetworks", { reservedHostPorts: string() })),
});

export const nodeSchema = record("Node", {
  id: string({ wire: "ID", owner: "client" }),
  /** Never leaves the servers: sent as "". */
  secretId: string({ wire: "SecretID", owner: "client" }),
  datacenter: string({ owner: "client" }),
  name: string({ owner: "client" }),
  cgroupParent: string({ owner: "client" }),
  httpAddr: string({ wire: "HTTPAddr", owner: "client" }),
  /** host:port of node-to-node traffic; Drover's own field. */
  rpcAddr: string({ wire: null, owner: "client" }),
  tlsEnabled: bool({ wire: "TLSEnabled", owner: "client" }),
  attributes: map(string(), { owner: "client", keepEmpty: true }),
  nodeResources: object(nodeResourcesSchema, { owner: "client" }),
  reservedResources: object(reservedResourcesSchema, { owner: "client" }),
  links: map(string(), { owner: "client", keepEmpty: true }),
  meta: map(string(), { owner: "client", keepEmpty: true }),
  nodeClass: string({ owner: "client" }),
  nodePool: string({ owner: "client" }),
  /** Equal for nodes that no constraint on shared attributes can tell apart. */
  computedClass: string({ owner: "server" }),
  drivers: map(object(driverInfoSchema), { owner: "client", keepEmpty: true }),
  hostVolumes: map(json(), { owner: "client", keepEmpty: true }),
  hostNetworks: map(json(), { owner: "client" }),
  /** Images this node has reported present: reference → digest; Drover's own (DESIGN §12.3). */
  images: map(string(), { wire: null, owner: "client" }),
  drainStrategy: nullable(object(drainStrategySchema, { owner: "user" })),
  schedulingEligibility: string({ owner: "user" }),
  status: string({ owner: "server" }),
  statusDescription: string({ owner: "server" }),
  statusUpdatedAt: instantSeconds({ owner: "server" }),
  events: list(object(nodeEventSchema), { owner: "server" }),
  lastDrain: nullable(object(lastDrainSchema, { owner: "server" })),
  nodeMaxAllocs: int({ owner: "client" }),
  lastMissedHeartbeatIndex: int({ owner: "server" }),
  lastAllocUpdateIndex: int({ owner: "server" }),
  createIndex: int({ owner: "server" }),
  modifyIndex: int({ owner: "server" }),
});
export type Node = Infer<typeof nodeSchema>;

/** Whatever is left leaves at once. A negative deadline is "now". */
export function isDrainOverdue(strategy: DrainStrategy, now: number): boolean {
  const { deadline, forceDeadline } = strategy;
  return deadline < 0 || (forceDeadline > 0 && now >= forceDeadline);
}

/** Nobody hears of it, or it has been collected (undefined). */
export function isNodeGone(node: Pick<Node, "status"> | undefined): boolean {
  const status = node?.status ?? NodeStatus.down;
  return status === NodeStatus.down || status === NodeStatus.disconnected;
}

export function isNodeReady(
  node: Pick<Node, "status" | "drainStrategy" | "schedulingEligibility">,
): boolean {
  return (
    node.status === NodeStatus.ready &&
    node.drainStrategy === null &&
    node.schedulingEligibility === Eligibility.eligible
  );
}
