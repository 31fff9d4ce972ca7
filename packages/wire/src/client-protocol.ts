/**
 * Messages between a client agent and the server that holds its session (DESIGN §8), on the RPC
 * socket of port 4647. Payloads are msgpack of plain data; resources travel in their stored form.
 */

/** Method names of the RPC socket. */
export const Rpc = {
  /** Client → server: opens the session of a node and registers it. */
  openSession: "session.open",
  /** Client → server: changed attributes, drivers, images. */
  updateNode: "session.updateNode",
  /** Client → server: I live. The reply carries the next deadline. */
  heartbeat: "session.heartbeat",
  /** Client → server: what changed of allocations; acknowledged once committed. */
  updateAllocs: "session.updateAllocs",
  /** Server → client: desired allocations (push). */
  pushAllocs: "session.pushAllocs",
  /** Server → client: images it will soon need (push). */
  pushImageHints: "session.pushImageHints",
  /** Client → server: built-in service registrations. */
  upsertServices: "services.upsert",
  deleteServices: "services.delete",
  /** Any agent → another: one HTTP request of the local API, answered by the peer's API. */
  forwardHttp: "http.forward",
  /** Any agent → the owner of an allocation: a program inside its task, frames both ways. */
  execTask: "task.exec",
  /** Joining agent → any server. */
  joinCluster: "cluster.join",
  takePart: "cluster.take-part",
  /** Bootstrap: who are you, which ids do you expect (DESIGN §8). */
  identify: "cluster.identify",
  /** Agent → agent: the member list with roles. */
  members: "cluster.members",
} as const;

export interface ExecTaskRequest {
  readonly allocId: string;
  readonly task: string;
  readonly command: readonly string[];
  readonly tty: boolean;
  /** Hops so far; a request is not forwarded more than twice. */
  readonly hops: number;
}

/** Head of the reply; frames follow as lines of JSON. `error` is null when the program runs. */
export interface ExecTaskReply {
  readonly error: { readonly status: number; readonly message: string } | null;
}

export interface OpenSessionRequest {
  readonly clusterId: string;
  /** The client's own Node, client-owned fields set (model `Node`). */
  readonly node: unknown;
  readonly secretId: string;
  /** Highest state index this client has been served with; a server behind it must wait. */
  readonly seenIndex: number;
  readonly seenEpoch: number;
  /** Allocations the node still holds: what the state does not know gets its tombstone. */
  readonly allocIds: readonly string[];
}

export interface OpenSessionReply {
  readonly clusterId: string;
  readonly epoch: number;
  /** Milliseconds until the next heartbeat is due at the latest. */
  readonly heartbeatTtlMs: number;
  /** Servers to fall back to: host:port. */
  readonly servers: readonly string[];
}

/**
 * Desired state of this node's allocations. A push is a delta on what this session was sent before;
 * the first push of a session is `complete`. An allocation that is absent means nothing: removal is
 * a tombstone in `removed` (DESIGN §8, I11).
 */
export interface PushAllocs {
  readonly clusterId: string;
  readonly epoch: number;
  /** State index the push was made from. */
  readonly index: number;
  readonly complete: boolean;
  /** model `Allocation`s, each with the job version it runs. */
  readonly allocs: readonly { readonly alloc: unknown; readonly job: unknown }[];
  /** Allocations the state no longer holds (purged or collected): stop and forget. */
  readonly removed: readonly string[];
}

/** Images of these tasks may be fetched before an allocation asks for them (DESIGN §12.3). */
export interface ImageHint {
  /** model `Job`: the version that will be placed. */
  readonly job: unknown;
  readonly taskGroup: string;
  readonly tasks: readonly string[];
}

/**
 * All hints of the node, whenever they change and once after a session has been opened. They stand
 * for nothing: a client that ignores or loses them only fetches later, when an allocation asks.
 */
export interface PushImageHints {
  readonly hints: readonly ImageHint[];
}

export interface ForwardHttpRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
  /** Minted by the first agent that saw the request. */
  readonly token: string;
  /** Hops so far; a request is not forwarded more than twice. */
  readonly hops: number;
}

/** Head of the reply; the body follows as stream chunks. */
export interface ForwardHttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}
