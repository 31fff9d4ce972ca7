/**
 * What an endpoint is, declared once: the HTTP server routes by it, the CLI calls by it, and the
 * capability it needs stands beside its path from the first day (DESIGN §8 Trust, §11).
 */

export type Method = "GET" | "PUT" | "POST" | "DELETE";

/**
 * Who answers (DESIGN §3):
 * `read` the machine that was asked, from its own copy; `write` the leader; `node` the machine that
 * owns the allocation or node named by the request; `local` this very agent.
 */
export type Mode = "read" | "write" | "node" | "local";

export type Capability =
  | "none"
  | "list-jobs"
  | "read-job"
  | "submit-job"
  | "plan-job"
  | "parse-job"
  | "dispatch-job"
  | "scale-job"
  | "read-job-scaling"
  | "alloc-lifecycle"
  | "alloc-exec"
  | "read-logs"
  | "read-fs"
  | "node:read"
  | "node:write"
  | "agent:read"
  | "agent:write"
  | "operator:read"
  | "operator:write"
  | "namespace:read"
  | "namespace:write"
  | "management";

/** Where the namespace that the capability is checked in comes from. */
export type NamespaceSource = "query" | "body" | "object" | "none";

export interface Endpoint {
  readonly methods: readonly Method[];
  /**
   * `:name` is one decoded segment. `:name*` is the rest up to the fixed suffix, for job ids that
   * hold slashes (spec chapter 8 §8.1).
   */
  readonly path: string;
  readonly mode: Mode;
  readonly capability: Capability;
  readonly namespace: NamespaceSource;
  /** A WebSocket upgrade. */
  readonly websocket?: true;
  /** The answer goes on until one side ends it; it is never buffered. */
  readonly stream?: true;
}

interface Options {
  readonly mode: Mode;
  readonly capability: Capability;
  readonly namespace?: NamespaceSource;
  readonly websocket?: true;
  readonly stream?: true;
}

export const READ: readonly Method[] = ["GET"];
/** Writes take either verb (spec chapter 8 §8.1). */
export const WRITE: readonly Method[] = ["PUT", "POST"];
export const REMOVE: readonly Method[] = ["DELETE"];

export function endpoint(methods: readonly Method[], path: string, options: Options): Endpoint {
  return { methods, path, namespace: "none", ...options };
}
