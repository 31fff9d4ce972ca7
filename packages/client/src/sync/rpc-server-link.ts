/**
 * The link over a real socket: one WebSocket to one of the known servers. When it breaks, another
 * server is picked, with jitter, because all clients of a dead server come at once.
 */
import { type Cancel, type Clock, DroverError, errorText, type Random } from "@drover/base";
import {
  type AllocClientReport,
  type Node,
  nodeFactsHash,
  type ServiceRegistration,
} from "@drover/model";
import {
  type OpenSessionReply,
  type OpenSessionRequest,
  type PushAllocs,
  type PushImageHints,
  Rpc,
  type RpcPeer,
  type RpcRouter,
} from "@drover/wire";
import type { Log } from "../options.ts";
import type { HeartbeatReply, ServerLink, ServerLinkEvents, ServiceKey } from "./server-link.ts";

const FIRST_DELAY_MS = 200;
const MAX_DELAY_MS = 5_000;
const HEARTBEAT_TIMEOUT_MS = 5_000;
const SESSION_TIMEOUT_MS = 15_000;

export interface RpcServerLinkDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Shared by the agent's sockets; the link answers what servers push on it. */
  readonly router: RpcRouter;
  dial(address: string): Promise<RpcPeer>;
  /** host:port of the servers known now, from configuration and membership. */
  servers(): readonly string[];
}

export class RpcServerLink implements ServerLink {
  readonly #deps: RpcServerLinkDeps;
  #events: ServerLinkEvents | null = null;
  #peer: RpcPeer | null = null;
  #closed = false;
  #timer: Cancel | null = null;
  #delayMs = FIRST_DELAY_MS;
  /** Servers that the last session named. */
  #named: readonly string[] = [];
  /** Where the last connection was: tried last. */
  #last = "";

  constructor(deps: RpcServerLinkDeps) {
    this.#deps = deps;
    deps.router.handle(Rpc.pushAllocs, async (payload, peer) => {
      // A server that was given up may still have messages under way.
      if (peer === this.#peer) this.#events?.push(payload as PushAllocs);
      return {};
    });
    deps.router.handle(Rpc.pushImageHints, async (payload, peer) => {
      if (peer === this.#peer) this.#events?.hint(payload as PushImageHints);
      return {};
    });
  }

  /** host:port of the server in use; "" when there is none. */
  get address(): string {
    return this.#peer === null ? "" : this.#last;
  }

  start(events: ServerLinkEvents): void {
    this.#events = events;
    void this.#connect();
  }

  async openSession(request: OpenSessionRequest): Promise<OpenSessionReply> {
    const options = { timeoutMs: SESSION_TIMEOUT_MS };
    const reply = await this.#call<OpenSessionReply>(Rpc.openSession, request, options);
    this.#named = reply.servers;
    this.#delayMs = FIRST_DELAY_MS;
    return reply;
  }

  async updateNode(node: Node): Promise<void> {
    await this.#call(Rpc.updateNode, { node, secretId: node.secretId });
  }

  async heartbeat(node: Node): Promise<HeartbeatReply> {
    const options = { timeoutMs: HEARTBEAT_TIMEOUT_MS };
    const request = { nodeId: node.id, facts: nodeFactsHash(node) };
    const reply = await this.#call<{ ttlMs: number; isStale?: boolean }>(
      Rpc.heartbeat,
      request,
      options,
    );
    return { heartbeatTtlMs: reply.ttlMs, isStale: reply.isStale === true };
  }

  async updateAllocs(nodeId: string, reports: readonly AllocClientReport[]): Promise<void> {
    await this.#call(Rpc.updateAllocs, { nodeId, reports });
  }

  async upsertServices(services: readonly ServiceRegistration[]): Promise<void> {
    await this.#call(Rpc.upsertServices, { services });
  }

  async deleteServices(ids: readonly ServiceKey[]): Promise<void> {
    await this.#call(Rpc.deleteServices, { ids });
  }

  drop(reason: string): void {
    this.#peer?.close(reason);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.();
    this.#peer?.close("the agent is going down");
    this.#peer = null;
  }

  #call<A>(method: string, payload: unknown, options: { timeoutMs?: number } = {}): Promise<A> {
    if (this.#peer !== null) return this.#peer.call<unknown, A>(method, payload, options);
    const text = "no connection to a server";
    return Promise.reject(new DroverError("no-server", text, { retryable: true }));
  }

  async #connect(): Promise<void> {
    for (const address of this.#candidates()) {
      if (this.#closed) return;
      try {
        this.#use(address, await this.#deps.dial(address));
        return;
      } catch (error) {
        this.#deps.log("debug", "a server cannot be reached", { address, error: errorText(error) });
      }
    }
    this.#connectLater();
  }

  #use(address: string, peer: RpcPeer): void {
    if (this.#closed) {
      peer.close("the agent is going down");
      return;
    }
    this.#last = address;
    this.#peer = peer;
    peer.onClose((reason) => {
      if (this.#peer !== peer) return;
      this.#peer = null;
      this.#events?.disconnected(reason);
      this.#connectLater();
    });
    // A peer that closed while we looked at it has told `onClose` already.
    if (this.#peer === peer) this.#events?.connected();
  }

  #connectLater(): void {
    if (this.#closed) return;
    const { clock, random } = this.#deps;
    const delayMs = this.#delayMs * random.next();
    this.#delayMs = Math.min(this.#delayMs * 2, MAX_DELAY_MS);
    this.#timer?.();
    this.#timer = clock.setTimer(clock.now() + delayMs, () => void this.#connect());
  }

  /** In random order, so that clients spread; the one that was just lost comes last. */
  #candidates(): string[] {
    const known = [...new Set([...this.#deps.servers(), ...this.#named])];
    for (let i = known.length - 1; i > 0; i--) {
      const j = this.#deps.random.int(i + 1);
      [known[i], known[j]] = [known[j] as string, known[i] as string];
    }
    return known.sort((a, b) => Number(a === this.#last) - Number(b === this.#last));
  }
}
