/**
 * What the agent needs of the servers. One session at a time, on one socket to any server; the
 * link re-dials by itself and says so, and the agent opens its session again.
 */
import type { AllocClientReport, Node, ServiceRegistration } from "@drover/model";
import type {
  OpenSessionReply,
  OpenSessionRequest,
  PushAllocs,
  PushImageHints,
} from "@drover/wire";

export interface ServerLinkEvents {
  /** A fresh socket: the session has to be opened on it before anything else. */
  connected(): void;
  disconnected(reason: string): void;
  push(push: PushAllocs): void;
  hint(push: PushImageHints): void;
}

export interface ServiceKey {
  readonly namespace: string;
  readonly id: string;
}

export interface HeartbeatReply {
  readonly heartbeatTtlMs: number;
  /** The servers know something else of this node than its heartbeat says. */
  readonly isStale: boolean;
}

/** Every call rejects while there is no connection. */
export interface ServerLink {
  start(events: ServerLinkEvents): void;
  openSession(request: OpenSessionRequest): Promise<OpenSessionReply>;
  updateNode(node: Node): Promise<void>;
  heartbeat(node: Node): Promise<HeartbeatReply>;
  /** Resolves once committed. */
  updateAllocs(nodeId: string, reports: readonly AllocClientReport[]): Promise<void>;
  upsertServices(registrations: readonly ServiceRegistration[]): Promise<void>;
  deleteServices(ids: readonly ServiceKey[]): Promise<void>;
  /** Gives the connection up and tries another server. */
  drop(reason: string): void;
  close(): Promise<void>;
}
