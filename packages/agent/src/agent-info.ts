/** What the handlers may ask of the agent itself. */
import type { LogLevel } from "@drover/server";
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
  readonly leader: boolean;
  readonly alive: boolean;
  readonly term: number;
  readonly lastIndex: number;
  /** Epoch ms since when it is as it is. */
  readonly since: number;
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
  leaderAddress(): string;
  /** Every server and client known, asked just now with a bounded wait. */
  members(): Promise<readonly MemberInfo[]>;
  /** The configuration, secrets left out. */
  config(): Record<string, unknown>;
  stats(): Record<string, Record<string, string>>;
  serversOk(): boolean;
  clientOk(): boolean;
  join(addresses: readonly string[]): Promise<{ joined: number; error: string }>;
  metrics(format: string): Promise<{ body: string; contentType: string }>;
  /** `canonicalize` fills in the defaults that a client would. */
  parseJob(source: string, variables: string, canonicalize: boolean): Promise<unknown>;
  /** Log lines of `level` and above, until the returned function is called. */
  listenLog(level: LogLevel, listener: LogListener): () => void;
}
