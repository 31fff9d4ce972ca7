/** What an agent is told (`ClientOptions`, plain data) and what it is given (`ClientDeps`). */
import type { Clock, Random } from "@drover/base";
import type { ServiceDiscovery } from "@drover/discovery";
import type { TaskDriver } from "@drover/drivers";
import type { AllocStore } from "./state/alloc-store.ts";
import type { ClientDisk } from "./state/client-disk.ts";
import type { ServerLink } from "./sync/server-link.ts";

export interface ClientOptions {
  /** State is kept in `<dataDir>/client`, allocations in `<dataDir>/alloc`. */
  readonly dataDir: string;
  /** "" = take the cluster of the first session. */
  readonly clusterId: string;
  readonly region: string;
  readonly name: string;
  readonly datacenter: string;
  readonly nodeClass: string;
  readonly nodePool: string;
  readonly meta: Readonly<Record<string, string>>;
  /** host:port that other machines can reach. */
  readonly httpAddr: string;
  readonly rpcAddr: string;
  readonly tlsEnabled: boolean;
  /** Address that allocations get their ports on. */
  readonly hostAddress: string;
  readonly networkInterface: string;
  readonly minDynamicPort: number;
  readonly maxDynamicPort: number;
  readonly reserved: {
    readonly cpuShares: number;
    readonly memoryMb: number;
    readonly diskMb: number;
    /** "22,80,8500-8600". */
    readonly ports: string;
  };
  /** Overrides of what the machine says of itself; 0 = ask the machine. */
  readonly totalCpuShares: number;
  readonly totalMemoryMb: number;
  readonly version: string;
  readonly maxKillTimeoutMs: number;
  /** How long a stop waits for the catalog to show that a service is gone. */
  readonly deregisterAckTimeoutMs: number;
  /** What consumers of a service that was serving get between its departure and the signal. */
  readonly consumerGraceMs: number;
  readonly fingerprintIntervalMs: number;
  /** Terminal allocations whose directories are kept. */
  readonly gcMaxAllocs: number;
  /** Development mode: nothing survives the agent. */
  readonly killTasksOnStop: boolean;
}

export const CLIENT_DEFAULTS = {
  clusterId: "",
  region: "global",
  datacenter: "dc1",
  nodeClass: "",
  nodePool: "default",
  meta: {},
  tlsEnabled: false,
  hostAddress: "127.0.0.1",
  networkInterface: "",
  minDynamicPort: 20_000,
  maxDynamicPort: 32_000,
  reserved: { cpuShares: 0, memoryMb: 0, diskMb: 0, ports: "" },
  totalCpuShares: 0,
  totalMemoryMb: 0,
  version: "0.1.0",
  maxKillTimeoutMs: 30_000,
  deregisterAckTimeoutMs: 5_000,
  consumerGraceMs: 2_000,
  fingerprintIntervalMs: 30_000,
  gcMaxAllocs: 50,
  killTasksOnStop: false,
} as const satisfies Partial<ClientOptions>;

export type LogLevel = "error" | "warn" | "info" | "debug";
export type Log = (
  level: LogLevel,
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;

export interface ClientDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly link: ServerLink;
  readonly drivers: readonly TaskDriver[];
  /** At least one; a service whose provider is missing goes to the first. */
  readonly discoveries: readonly ServiceDiscovery[];
  /** Tests only: files in the data directory when left out. */
  readonly store?: AllocStore;
  /** The machine's own files when left out. */
  readonly disk?: ClientDisk;
}
