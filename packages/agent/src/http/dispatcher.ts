/**
 * From a request to its answer: find the endpoint, check the capability, and let the right machine
 * handle it (DESIGN §3). Every agent runs the same dispatcher, so any of them answers for all.
 */
import { createHash, randomUUID } from "node:crypto";
import {
  ApiError,
  badRequest,
  type Endpoint,
  type EndpointName,
  internal,
  matchEndpoint,
} from "@drover/api";
import { assert, DroverError, errorText } from "@drover/base";
import type { ClientAgent } from "@drover/client";
import type { Log, Server } from "@drover/server";
import { ANSWERS_KEPT_MS } from "@drover/state";
import type { PeerPool } from "@drover/wire";
import type { AgentInfo } from "../agent-info.ts";
import { runRead } from "./blocking.ts";
import { readJson } from "./body.ts";
import { type ForwardOptions, forwardRequest, HOPS_MAX, noLeader, throughAny } from "./forward.ts";
import type { Handler, NodeHandler, Principal, RequestContext } from "./handler.ts";
import { findOwner } from "./owner.ts";
import { type CommonQuery, parseQuery, readParams } from "./query.ts";
import { errorReply, type Reply, toResponse } from "./reply.ts";

const LEADER_WAIT_MS = 10_000;
assert(
  (HOPS_MAX + 1) * LEADER_WAIT_MS < ANSWERS_KEPT_MS,
  "each machine on the way waits for itself, and the first attempt's answer is still remembered",
);
const LEADER_RETRY_MS = 50;
const TOKEN_LENGTH_MAX = 128;
/** A machine that does not answer leaves its part out. */
const ASK_MS = 2_000;

export interface DispatcherDeps {
  readonly agent: AgentInfo;
  readonly server: () => Server | null;
  readonly client: () => ClientAgent | null;
  /** Resolves when this agent's client, if it has one, is open. */
  readonly clientOpen: Promise<void>;
  readonly peers: PeerPool;
  readonly handlers: Readonly<Record<EndpointName, Handler | null>>;
  readonly log: Log;
  /** Decides; the first policy allows everything. */
  readonly authorize: (principal: Principal, endpoint: Endpoint, namespace: string) => boolean;
  /** host:port of the servers other than this agent, the best known first. */
  readonly otherServers: () => readonly string[];
}

interface Incoming extends ForwardOptions {
  readonly name: EndpointName;
  readonly endpoint: Endpoint;
  readonly request: Request;
  readonly context: RequestContext;
  /** Read once, so that a forwarded request can be sent again. */
  readonly body: () => Promise<Uint8Array | null>;
}

export class Dispatcher {
  readonly #deps: DispatcherDeps;

  constructor(deps: DispatcherDeps) {
    this.#deps = deps;
  }

  async handle(request: Request, options?: ForwardOptions): Promise<Response> {
    const url = new URL(request.url);
    const accept = request.headers.get("accept-encoding") ?? "";
    const replyOptions = () => ({
      read: request.method === "GET" || /^\/v1\/search(\/|$)/.test(url.pathname),
      // Looked at when the answer is there: the request may have waited for a leader.
      knownLeader: this.#deps.agent.leaderAddress() !== "",
      pretty: url.searchParams.has("pretty") && url.searchParams.get("pretty") !== "false",
      acceptGzip: accept.includes("gzip"),
    });
    try {
      const answer = await this.#route(request, url, options);
      if (answer instanceof Response) return answer;
      return await toResponse(answer, replyOptions());
    } catch (error) {
      if (!(error instanceof ApiError)) {
        this.#deps.log("debug", "request failed", { url: url.pathname, error: errorText(error) });
      }
      return await toResponse(errorReply(error), { ...replyOptions(), pretty: false });
    }
  }

  async #route(
    request: Request,
    url: URL,
    options: ForwardOptions | undefined,
  ): Promise<Reply | Response> {
    const special = specialPath(request.method, url.pathname);
    if (special) return special;
    const match = matchEndpoint(request.method, url.pathname);
    if (match.kind === "method") throw new ApiError("method-not-allowed", "Invalid method");
    if (match.kind === "none") return { status: 404 };
    const query = parseQuery(readParams(url.search), { held: match.name !== "eventStream" });
    this.#checkRegion(query.region);
    const token = options?.token ?? givenToken(query) ?? randomUUID();
    let read: Promise<Uint8Array | null> | null = null;
    const body = () => {
      read ??= readBody(request);
      return read;
    };
    const context: RequestContext = {
      params: match.params,
      query,
      principal: { name: "anonymous" },
      token,
      signal: request.signal,
      json: async () => readJson(new Response(new Uint8Array((await body()) ?? []))),
    };
    if (!this.#deps.authorize(context.principal, match.endpoint, query.namespace)) {
      throw new ApiError("forbidden", "Permission denied");
    }
    const hops = options?.hops ?? 0;
    return await this.#run({ ...match, request, context, body, token, hops });
  }

  async #run(incoming: Incoming): Promise<Reply | Response> {
    const handler = this.#deps.handlers[incoming.name];
    if (!handler) throw new ApiError("bad-request", "a WebSocket upgrade is required");
    switch (handler.kind) {
      case "local":
        return await handler.run(incoming.context, this.#deps.agent);
      case "node":
        return await this.#onOwner(handler, incoming);
      case "read":
        return await this.#onServer(incoming, (server) =>
          runRead(handler, incoming.context, server),
        );
      case "stream":
        return await this.#onServer(incoming, (server) => {
          const signal = AbortSignal.any([incoming.context.signal, server.withdrawn]);
          return handler.run({ ...incoming.context, signal }, server);
        });
      case "gather":
        return await this.#onServer(incoming, (server) =>
          handler.run(incoming.context, server, (path) => this.#ask(path, incoming.hops)),
        );
      case "write":
        return await this.#patiently(() => this.#onLeader(handler, incoming));
    }
  }

  /** A question of ours to whichever machine knows; null = it cannot be asked in time. */
  async #ask(path: string, hops: number): Promise<unknown> {
    const signal = AbortSignal.timeout(ASK_MS);
    const request = new Request(`http://local${path}`, { signal });
    const late = new Promise<null>((resolve) => {
      signal.addEventListener("abort", () => resolve(null));
    });
    const answer = async () => {
      const response = await this.handle(request, { token: randomUUID(), hops });
      return response.ok ? ((await response.json()) as unknown) : null;
    };
    try {
      return await Promise.race([answer(), late]);
    } catch (error) {
      this.#deps.log("debug", "a machine did not answer", { path, error: errorText(error) });
      return null;
    }
  }

  /** Waits for a leader, and asks again with the same token when it was lost under way. */
  async #patiently<T>(attempt: () => Promise<T>): Promise<T> {
    const deadline = Date.now() + LEADER_WAIT_MS;
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        const retry = error instanceof DroverError && error.retryable;
        if (!retry || Date.now() >= deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, LEADER_RETRY_MS));
      }
    }
  }

  /** This machine's server as soon as it belongs to a cluster; until then another one answers. */
  async #onServer(
    incoming: Incoming,
    here: (server: Server) => Promise<Reply | Response>,
  ): Promise<Reply | Response> {
    const present = this.#deps.server();
    if (present !== null) {
      try {
        return await here(present);
      } catch (error) {
        // It has stopped to serve meanwhile: another one answers.
        if (this.#deps.server() !== null) throw error;
      }
    }
    const found = await this.#patiently(async () => {
      const server = this.#deps.server();
      if (server === null) return await this.#forwardToServer(incoming);
      // It has just found its cluster, and knows nothing of it yet.
      await server.barrier();
      return server;
    });
    return found instanceof Response ? found : await here(found);
  }

  async #onLeader(
    handler: Extract<Handler, { kind: "write" }>,
    incoming: Incoming,
  ): Promise<Reply | Response> {
    const server = this.#deps.server();
    if (!server) return await this.#forwardToServer(incoming);
    if (server.engine.leadership().self) return await handler.run(incoming.context, server);
    return await this.#forward(this.#deps.agent.leaderAddress(), incoming);
  }

  /** From a machine outside Raft: the first server that can be reached answers. */
  async #forwardToServer(incoming: Incoming): Promise<Response> {
    return await throughAny(this.#deps.otherServers(), (address) =>
      this.#forward(address, incoming),
    );
  }

  async #onOwner(handler: NodeHandler, incoming: Incoming): Promise<Reply | Response> {
    const owner = await findOwner(handler.owner(incoming.context), this.#deps);
    switch (owner.kind) {
      case "here":
        return await handler.run(incoming.context, owner.client);
      case "node":
        return await this.#forward(owner.address, incoming);
      case "servers":
        return await this.#onServer(incoming, () => this.#onOwner(handler, incoming));
    }
  }

  async #forward(address: string, incoming: Incoming): Promise<Response> {
    if (address === "") throw noLeader();
    const { token, hops } = incoming;
    return await forwardRequest(
      this.#deps.peers,
      address,
      incoming.request,
      await incoming.body(),
      {
        token,
        hops,
      },
    );
  }

  #checkRegion(region: string): void {
    if (region !== "" && region !== "global" && region !== this.#deps.agent.region) {
      throw internal("No path to region");
    }
  }
}

/** null: none, or an empty one. Servers remember it: one as long as a book gets a short name. */
function givenToken(query: CommonQuery): string | null {
  const token = query.all.get("idempotency_token") ?? "";
  if (token === "") return null;
  if (token.length <= TOKEN_LENGTH_MAX) return token;
  return createHash("sha256").update(token).digest("hex");
}

async function readBody(request: Request): Promise<Uint8Array | null> {
  if (request.method === "GET" || request.method === "HEAD") return null;
  return new Uint8Array(await request.arrayBuffer());
}

function specialPath(method: string, path: string): Reply | null {
  if (path === "/") {
    return {
      status: 307,
      headers: { Location: "/ui/" },
      text: {
        body: '<a href="/ui/">Temporary Redirect</a>.\n\n',
        contentType: "text/html; charset=utf-8",
      },
    };
  }
  if (path === "/v1/operator/utilization" && method === "GET") {
    throw new ApiError("method-not-allowed", "Invalid method");
  }
  if (/^\/v1\/(quota|quotas|sentinel|operator\/utilization)(\/|$)/.test(path)) {
    throw new ApiError("enterprise", "Nomad Enterprise only endpoint");
  }
  if (/^\/v1\/acl\/(?!token\/self$)/.test(path)) throw badRequest("ACL support disabled");
  if (path === "/ui/" || path.startsWith("/ui/")) return consolePage();
  return null;
}

function consolePage(): Reply {
  const body =
    "<!doctype html><title>Drover</title><p>This version has no web console; use the command " +
    "line or the HTTP API.\n";
  return { text: { body, contentType: "text/html; charset=utf-8" } };
}
