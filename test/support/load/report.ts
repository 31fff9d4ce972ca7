/** What the load program is told, and what it tells in the end. Crosses a process boundary. */

export interface LoadOptions {
  /** host:port of the Consul agent that the clients ask. */
  readonly consul: string;
  readonly service: string;
  readonly clients: number;
  /** Requests begun per second, beside those on held and slow connections. */
  readonly perSecond: number;
  /** Part of them that open a connection of their own. */
  readonly newShare: number;
  /** A client learns of a change of the catalog at most this much later. */
  readonly lagMaxMs: number;
  /** Per client and address: connections that rest for seconds between their requests. */
  readonly held: number;
  /** Per client and address: connections on which a request of two to three seconds always runs. */
  readonly slow: number;
}

export const FAILURE_KINDS = ["refused", "reset", "status", "wrong", "timeout", "nobody"] as const;
/**
 * refused: nobody listens. reset: broken off before the answer was whole. status: not 200. wrong:
 * another request's answer, or a part. timeout: none in ten seconds. nobody: no address is known.
 */
export type FailureKind = (typeof FAILURE_KINDS)[number];

/** A connection of its own, one that was used before, one that rested, one with a long request. */
export type ConnectionKind = "new" | "reused" | "held" | "slow";

export interface Failure {
  readonly kind: FailureKind;
  readonly on: ConnectionKind;
  readonly address: string;
  /** Epoch ms at which the request was begun, and at which it failed. */
  readonly sentAt: number;
  readonly failedAt: number;
  /** How long before the failure this client had dropped the address; -1 = it had not. */
  readonly droppedForMs: number;
  readonly detail: string;
}

export interface LoadReport {
  /** Ended one way or the other. */
  readonly requests: number;
  readonly byConnection: Readonly<Record<ConnectionKind, number>>;
  readonly failures: readonly Failure[];
  readonly tookMs: number;
  /** Requests ended per second: all of them, and in the slowest second. */
  readonly perSecond: number;
  readonly perSecondLowest: number;
  /** Processes that answered. */
  readonly instances: number;
  /** Of these, processes that answered a request after they had been told to stop. */
  readonly stoppedInFlight: number;
  /** Of these, processes that closed a resting connection when they stopped. */
  readonly stoppedHeld: number;
  /** Longest time between an answer of the catalog and a client that goes by it. */
  readonly lagMaxMs: number;
  /** Longest time in which the load program did not come to its turn. */
  readonly stallMaxMs: number;
}
