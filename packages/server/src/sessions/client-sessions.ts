/**
 * The sessions of client agents that this server holds (DESIGN §8): it pushes what the state wants
 * of their node, and passes what they report to the leader. A server serves a session only from a
 * state at least as new as the client has seen, and removal is always a tombstone.
 */
import { DroverError, errorText } from "@drover/base";
import type { Allocation, AllocClientReport, Node } from "@drover/model";
import { CommandTag, type StateSnapshot } from "@drover/state";
import {
  type OpenSessionReply,
  type OpenSessionRequest,
  type PushAllocs,
  type PushImageHints,
  Rpc,
  type RpcPeer,
  type RpcRouter,
} from "@drover/wire";
import type { Applied, ServerContext } from "../context.ts";
import type { LeaderCalls } from "../leader/leader-call.ts";
import { ImageHints } from "./image-hints.ts";

/** Commands that delete allocations, which no event tells. */
const REMOVING: ReadonlySet<number> = new Set([
  CommandTag.jobDeregister,
  CommandTag.garbageCollect,
]);

interface Session {
  readonly nodeId: string;
  readonly peer: RpcPeer;
  /** Allocation id → allocModifyIndex last sent. */
  readonly sent: Map<string, number>;
  /** Changed since the last push; "all" = some may be gone too. */
  changed: Set<string> | "all";
  complete: boolean;
  dirty: boolean;
}

export interface SessionServers {
  /** host:port of servers a client may fall back to. */
  readonly addresses: () => readonly string[];
}

export class ClientSessions {
  readonly #context: ServerContext;
  readonly #calls: LeaderCalls;
  readonly #servers: SessionServers;
  readonly #sessions = new Map<string, Session>();
  readonly #hints: ImageHints;
  #tokenSerial = 0;
  #closed = false;
  /** Node id → the newest request for a session; an older one that is still waiting gives way. */
  readonly #opening = new Map<string, OpenSessionRequest>();
  readonly #unsubscribe: readonly (() => void)[];

  constructor(
    context: ServerContext,
    deps: { calls: LeaderCalls; router: RpcRouter; servers: SessionServers },
  ) {
    this.#context = context;
    this.#calls = deps.calls;
    this.#servers = deps.servers;
    const { router } = deps;
    router.handle(Rpc.openSession, (payload, peer) => this.#open(payload as never, peer));
    router.handle(Rpc.updateNode, (payload) => this.#call("node.register", payload));
    router.handle(Rpc.heartbeat, (payload) => this.#call("node.heartbeat", payload));
    router.handle(Rpc.updateAllocs, (payload) => this.#updateAllocs(payload as never));
    router.handle(Rpc.upsertServices, (payload) => this.#call("services.upsert", payload));
    router.handle(Rpc.deleteServices, (payload) => this.#call("services.delete", payload));
    this.#hints = new ImageHints(context, (nodeId, push) => {
      this.#sessions.get(nodeId)?.peer.notify<PushImageHints>(Rpc.pushImageHints, push);
    });
    this.#unsubscribe = [
      context.onApplied((applied) => this.#applied(applied)),
      context.onRestored(() => {
        this.#markAll();
        this.#hints.restored();
      }),
    ];
  }

  /** Nodes whose session is held here. */
  get nodeIds(): readonly string[] {
    return [...this.#sessions.keys()];
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#hints.close();
    for (const session of this.#sessions.values()) session.peer.close("server stops");
    this.#sessions.clear();
  }

  async #open(request: OpenSessionRequest, peer: RpcPeer): Promise<OpenSessionReply> {
    const node = request.node as Node;
    this.#mustTakeSessions();
    const cluster = this.#context.store.snapshot().cluster();
    if (cluster && request.clusterId !== "" && request.clusterId !== cluster.clusterId) {
      throw new DroverError(
        "other-cluster",
        `this server belongs to cluster ${cluster.clusterId}, the client to ${request.clusterId}`,
      );
    }
    this.#opening.set(node.id, request);
    let ttlMs: number;
    try {
      ttlMs = await this.#register(request, node);
      this.#mayServe(request, node, peer);
    } finally {
      if (this.#opening.get(node.id) === request) this.#opening.delete(node.id);
    }
    const known = this.#context.store.snapshot().cluster();
    const session: Session = {
      nodeId: node.id,
      peer,
      // Held by the node and unknown to the state: the first push tells it to let go.
      sent: new Map(request.allocIds.map((id) => [id, 0])),
      changed: "all",
      complete: false,
      dirty: false,
    };
    const old = this.#sessions.get(node.id);
    if (old && old.peer !== peer) old.peer.close("replaced by a newer session");
    this.#sessions.set(node.id, session);
    peer.onClose(() => {
      if (this.#sessions.get(node.id) !== session) return;
      this.#sessions.delete(node.id);
      this.#hints.closed(node.id);
    });
    this.#mark(session);
    this.#hints.opened(node.id);
    return {
      clusterId: known?.clusterId ?? "",
      epoch: known?.epoch ?? 0,
      heartbeatTtlMs: ttlMs,
      servers: this.#servers.addresses(),
    };
  }

  /** Answers the time to live once this server has all that the client has seen (DESIGN §8). */
  async #register(request: OpenSessionRequest, node: Node): Promise<number> {
    const reply = await this.#calls.call<{ ttlMs: number; index: number }>(
      "node.register",
      { node, secretId: request.secretId },
      this.#token(),
    );
    await this.#reach(reply.index);
    const epoch = this.#context.store.snapshot().cluster()?.epoch ?? 0;
    if (request.seenEpoch > epoch) throw behind(`epoch ${request.seenEpoch}`);
    // A raised epoch begins a new history, whose indexes say nothing about the old one's.
    if (request.seenEpoch === epoch) await this.#reach(request.seenIndex);
    return reply.ttlMs;
  }

  /** The client may have gone, or have come back on another socket, while we asked the leader. */
  #mayServe(request: OpenSessionRequest, node: Node, peer: RpcPeer): void {
    this.#mustTakeSessions();
    const isNewest = this.#opening.get(node.id) === request;
    if (isNewest && !peer.closed) return;
    throw new DroverError("replaced", "a newer session of this node has been asked for", {
      retryable: true,
    });
  }

  #mustTakeSessions(): void {
    if (!this.#closed) return;
    throw new DroverError("closed", "this server takes no sessions", { retryable: true });
  }

  async #reach(index: number): Promise<void> {
    if (this.#context.store.snapshot().index >= index) return;
    await this.#context.engine.barrier();
    if (this.#context.store.snapshot().index >= index) return;
    throw behind(`index ${index}`);
  }

  #call(op: string, payload: unknown): Promise<unknown> {
    return this.#calls.call(op, payload, this.#token());
  }

  async #updateAllocs(payload: {
    readonly nodeId: string;
    readonly reports: readonly AllocClientReport[];
  }): Promise<unknown> {
    return await this.#call("alloc.update", {
      reports: payload.reports.map((report) => ({ ...report, nodeId: payload.nodeId })),
    });
  }

  #token(): string {
    this.#tokenSerial++;
    return `session:${this.#context.random.int(2 ** 32).toString(36)}:${this.#tokenSerial}`;
  }

  /** Only nodes with a session here and a change made by the servers get a push. */
  #applied(applied: Applied): void {
    if (this.#sessions.size === 0) return;
    this.#hints.applied(applied.events);
    for (const event of applied.events) {
      if (event.topic !== "Allocation") continue;
      const { id, nodeId } = event.payload as Allocation;
      const session = this.#sessions.get(nodeId);
      if (session === undefined) continue;
      if (session.changed !== "all") session.changed.add(id);
      this.#mark(session);
    }
    if (REMOVING.has(applied.command.tag)) {
      this.#markAll();
    }
  }

  #markAll(): void {
    for (const session of this.#sessions.values()) {
      session.changed = "all";
      this.#mark(session);
    }
  }

  /** One push per turn, however many entries were applied in it. */
  #mark(session: Session): void {
    if (session.dirty) return;
    session.dirty = true;
    queueMicrotask(() => {
      session.dirty = false;
      try {
        this.#push(session);
      } catch (error) {
        this.#context.log("error", "push failed", {
          node: session.nodeId,
          error: errorText(error),
        });
        session.peer.close("push failed");
      }
    });
  }

  #push(session: Session): void {
    if (session.peer.closed) return;
    const snapshot = this.#context.store.snapshot();
    const { changed, removed } = news(session, snapshot);
    const first = !session.complete;
    if (!first && changed.length === 0 && removed.length === 0) return;
    session.complete = true;
    const cluster = snapshot.cluster();
    session.peer.notify<PushAllocs>(Rpc.pushAllocs, {
      clusterId: cluster?.clusterId ?? "",
      epoch: cluster?.epoch ?? 0,
      index: snapshot.index,
      complete: first,
      allocs: changed,
      removed,
    });
  }
}

interface News {
  readonly changed: { readonly alloc: Allocation; readonly job: unknown }[];
  readonly removed: string[];
}

/** What the client has not been told yet; from here on it counts as told. */
function news(session: Session, snapshot: StateSnapshot): News {
  const { nodeId, sent } = session;
  const isWhole = session.changed === "all";
  const allocs = isWhole
    ? snapshot.allocsByNode(nodeId)
    : [...session.changed].flatMap((id) => snapshot.alloc(id) ?? []);
  session.changed = new Set();
  const changed: News["changed"] = [];
  for (const alloc of allocs) {
    if (sent.get(alloc.id) === alloc.allocModifyIndex) continue;
    sent.set(alloc.id, alloc.allocModifyIndex);
    changed.push({ alloc, job: snapshot.allocJob(alloc) ?? null });
  }
  if (!isWhole) return { changed, removed: [] };
  const present = new Set(allocs.map((alloc) => alloc.id));
  const removed = [...sent.keys()].filter((id) => !present.has(id));
  for (const id of removed) sent.delete(id);
  return { changed, removed };
}

function behind(what: string): DroverError {
  return new DroverError("behind", `this server has not seen ${what} yet`, { retryable: true });
}
