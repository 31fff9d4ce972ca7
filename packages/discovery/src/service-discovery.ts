/**
 * One interface over Consul and the built-in provider (DESIGN §10). The client registers what an
 * allocation offers and follows the state of its checks; which side runs the checks is the
 * implementation's business.
 */
import type { ServiceCheck } from "@drover/model";

/** A check with everything interpolated and its address resolved. */
export interface CheckSpec {
  /** Stable per (service id, definition). */
  readonly id: string;
  readonly name: string;
  readonly definition: ServiceCheck;
  /** host:port for http, tcp and grpc. */
  readonly address: string;
  readonly taskName: string;
}

export interface ServiceSpec {
  /** `_drover-task-<alloc>-<workload>-<service>-<port label>`. */
  readonly id: string;
  readonly name: string;
  readonly namespace: string;
  readonly allocId: string;
  readonly jobId: string;
  readonly nodeId: string;
  readonly datacenter: string;
  readonly taskName: string;
  readonly groupName: string;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  readonly address: string;
  readonly port: number;
  readonly enableTagOverride: boolean;
  readonly weights: { readonly passing: number; readonly warning: number } | null;
  readonly checks: readonly CheckSpec[];
  /** "healthy" counts allocations by it; see spec chapter 5 §5.2. */
  readonly onUpdate: string;
}

export const CheckStatus = {
  passing: "passing",
  warning: "warning",
  critical: "critical",
  pending: "pending",
} as const;
export type CheckStatus = (typeof CheckStatus)[keyof typeof CheckStatus];

export interface CheckObservation {
  readonly id: string;
  readonly name: string;
  readonly serviceId: string;
  readonly status: CheckStatus;
  readonly output: string;
  /** Epoch ms of the last result. */
  readonly at: number;
  readonly statusCode: number;
}

/**
 * What the catalog shows of this node's services. `visible` is false while the catalog cannot be
 * read: time in that state does not count towards `min_healthy_time`, and a gap starts it anew.
 */
export interface CatalogView {
  readonly visible: boolean;
  readonly checksByService: ReadonlyMap<string, readonly CheckObservation[]>;
}

/** `changed`: ids of the services that differ; null = any may matter. */
export type CatalogListener = (view: CatalogView, changed: ReadonlySet<string> | null) => void;

export interface ServiceDiscovery {
  readonly provider: "consul" | "nomad";
  /** Registers or replaces; resolves when the agent has accepted it. Repeats with backoff. */
  register(spec: ServiceSpec): Promise<void>;
  /**
   * Resolves when the catalog no longer shows it, or after `ackTimeoutMs`: then `confirmed` is
   * false, and the removal goes on in the background.
   */
  deregister(serviceId: string, options: { ackTimeoutMs: number }): Promise<{ confirmed: boolean }>;
  view(): CatalogView;
  /**
   * What keeps a service from being in the catalog, out of it, or seen in it, while that is being
   * tried again; "" = nothing.
   */
  trouble(serviceId: string): string;
  /** Calls `fn` after each change of the view; returns the unsubscription. */
  subscribe(fn: CatalogListener): () => void;
  /**
   * Removes this node's registrations that are neither in `keep` nor registered through this
   * object; only ever our own node's. Returns their ids.
   */
  reconcile(keep: ReadonlySet<string>): Promise<readonly string[]>;
  /** Node attributes, e.g. `consul.version`. */
  fingerprint(): Promise<Readonly<Record<string, string>>>;
  close(): Promise<void>;
}
