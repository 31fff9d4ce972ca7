/** What the handlers may ask of the agent itself. */
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
  parseJob(source: string, variables: string): Promise<unknown>;
}
