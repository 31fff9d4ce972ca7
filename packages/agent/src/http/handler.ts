/** The shapes of handlers; `handlers/index.ts` has one for every endpoint of the API. */
import type { ClientAgent } from "@drover/client";
import type { Server } from "@drover/server";
import type { StateSnapshot, TableName } from "@drover/state";
import type { AgentInfo } from "../agent-info.ts";
import type { CommonQuery } from "./query.ts";
import type { Reply } from "./reply.ts";

export interface Principal {
  readonly name: string;
}

export interface RequestContext {
  readonly params: Readonly<Record<string, string>>;
  readonly query: CommonQuery;
  readonly principal: Principal;
  /** Idempotency token; commands of one request derive theirs from it. */
  readonly token: string;
  readonly signal: AbortSignal;
  /** The parsed body; throws 400 with the decoder's words when there is none or it is broken. */
  json(): Promise<unknown>;
}

export interface ReadContext extends RequestContext {
  readonly snapshot: StateSnapshot;
  readonly body: unknown;
}

export interface ReadResult extends Reply {
  readonly index: number;
}

/**
 * Answers from one snapshot. A held query runs it again whenever one of `tables` changes, until the
 * index of the answer is above the asked one.
 */
export interface ReadHandler {
  readonly kind: "read";
  readonly tables: readonly TableName[];
  /** True = needs the request's body. */
  readonly withBody?: boolean;
  run(context: ReadContext): ReadResult;
}

export interface WriteHandler {
  readonly kind: "write";
  run(context: RequestContext, server: Server): Promise<Reply>;
}

/** Runs on the machine that owns the object. */
export interface NodeHandler {
  readonly kind: "node";
  /** The owner: an allocation id, a node id, or this agent when both are empty. */
  owner(context: RequestContext): { readonly allocId?: string; readonly nodeId?: string };
  run(context: RequestContext, client: ClientAgent): Promise<Reply>;
}

export interface LocalHandler {
  readonly kind: "local";
  run(context: RequestContext, agent: AgentInfo): Promise<Reply>;
}

/** Reads state for as long as the caller stays (event stream). */
export interface StreamHandler {
  readonly kind: "stream";
  run(context: RequestContext, server: Server): Promise<Reply>;
}

/** Reads state, and asks other machines for what only they know. */
export interface GatherHandler {
  readonly kind: "gather";
  /** `ask` answers a GET of this API as any agent would; null = it could not be had. */
  run(context: RequestContext, server: Server, ask: Ask): Promise<Reply>;
}

export type Ask = (path: string) => Promise<unknown>;

export type Handler =
  | ReadHandler
  | WriteHandler
  | NodeHandler
  | LocalHandler
  | StreamHandler
  | GatherHandler;
