/** What the handlers may ask of the agent itself. */
import type { LogLevel } from "@drover/server";
import type { AutopilotConfig } from "./config/config.ts";
import type { LogListener } from "./log-tap.ts";

export interface MemberInfo {
  readonly id: string;
  readonly name: string;
  /** host:port of node-to-node traffic. */
  readonly rpcAddr: string;
  readonly httpAddr: string;
  readonly datacenter: string;
  readonly server: boolean;
  readonly client: boolean;
  readonly voter: boolean;
  /** Votes or stands by. */
  readonly inRaft: boolean;
  readonly leader: boolean;
  readonly alive: boolean;
  /** Why its state must not be shown, and what to do; "" = it may be. */
  readonly quarantine: string;
  /** The newest feature level that its program understands. */
  readonly level: number;
  readonly term: number;
  readonly lastIndex: number;
  /** As the leader judges it. */
  readonly healthy: boolean;
  /** Since the leader heard it. */
  readonly lastContactMs: number;
  /** Epoch ms since when it is healthy, or not; 0 = not known. */
  readonly since: number;
  /** Of the leader: why the members' roles are as they are. */
  readonly upkeepReason: string;
  readonly expect: number;
  readonly bootstrap: boolean;
}

export interface AgentInfo {
  readonly name: string;
  readonly id: string;
  readonly region: string;
  readonly datacenter: string;
  /** What is reported as `build`; the compatibility level first, Drover's own behind. */
  readonly version: string;
  readonly rpcAddr: string;
  readonly isServer: boolean;
  readonly isClient: boolean;
  readonly autopilot: AutopilotConfig;
  /** The feature level that the servers have agreed on, as this one knows; 0 = none. */
  featureLevel(): number;
  leaderAddress(): string;
  /** Every server and client known, asked just now with a bounded wait. */
  members(): Promise<readonly MemberInfo[]>;
  /** The configuration, secrets left out. */
  config(): Record<string, unknown>;
  stats(): Record<string, Record<string, string>>;
  serversOk(): boolean;
  /** Why this agent's server answers nothing, and what to do; "" = it does. */
  quarantine(): string;
  clientOk(): boolean;
  join(addresses: readonly string[]): Promise<{ joined: number; error: string }>;
  metrics(format: string): Promise<{ body: string; contentType: string }>;
  /** `canonicalize` fills in the defaults that a client would. */
  parseJob(source: string, variables: string, canonicalize: boolean): Promise<unknown>;
  /** Log lines of `level` and above, until the returned function is called. */
  listenLog(level: LogLevel, listener: LogListener): () => void;
}
