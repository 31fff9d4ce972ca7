/** What the leader knows of its members (RAFT.md §4.4). */
export interface Upkeep {
  /** Why their roles are as they are. */
  readonly reason: string;
  readonly members: readonly {
    readonly id: string;
    readonly healthy: boolean;
    readonly lastContactMs: number;
    readonly healthyForMs: number;
  }[];
}

/** What agents tell each other of themselves, before and after a cluster exists. */
export interface AgentIdentity {
  /** Raft member id of a server, node id of a plain client. */
  readonly id: string;
  readonly name: string;
  readonly rpcAddr: string;
  readonly httpAddr: string;
  readonly datacenter: string;
  readonly region: string;
  readonly server: boolean;
  readonly client: boolean;
  /** The newest feature level that its program understands (RAFT.md §4.4). */
  readonly level: number;
  /** "" = belongs to none yet. */
  readonly clusterId: string;
  readonly expect: number;
  /** Ids of the fresh servers it knows, its own among them, sorted. */
  readonly known: readonly string[];
  /** Voters of the cluster it belongs to. */
  readonly voters: readonly string[];
  /** Their addresses, by id. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly leader: string;
  readonly term: number;
  readonly lastIndex: number;
  /** What the leader makes of the members; null elsewhere. */
  readonly upkeep: Upkeep | null;
  /** Why its server's state must not be shown; "" = it may be. Absent in what older programs say. */
  readonly quarantine?: string;
  /** Addresses of all agents it has heard of. */
  readonly peers: readonly string[];
}
