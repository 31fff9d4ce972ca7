/**
 * What the server needs of a replicated log, and nothing more (DESIGN §5): bytes in, bytes
 * committed in one order. `@raft/node-raft` is the engine; `test/engines` has another, over etcd.
 */
export interface LogEngine<R> {
  /** Leader only; resolves when applied here. */
  propose(
    data: Uint8Array,
    options?: { timeoutMs?: number },
  ): Promise<{ index: number; term: number; result: R }>;
  /** Resolves once everything committed before the call is applied here. */
  barrier(options?: { timeoutMs?: number }): Promise<{ index: number }>;
  leadership(): LeadershipState;
  /** The feature level that every member's program understands; 0 = none is agreed on. */
  level(): number;
  /** host:port of the other members' node-to-node listeners. */
  peers(): readonly string[];
  onLeadership(fn: (state: LeadershipState) => void): () => void;
  snapshot(): Promise<void>;
  /**
   * Hands leadership to the voter with this id or address, without one to the most caught-up voter;
   * rejects when that one cannot take it.
   */
  transferLeadership(to?: string): Promise<void>;
}

export interface LeadershipState {
  readonly self: boolean;
  readonly term: number;
  /** host:port of the leader's node-to-node listener; "" = none known. */
  readonly leaderAddress: string;
}
