/** `@raft/node-raft` as the server's log engine: errors and leadership in the server's terms. */

import { DroverError } from "@drover/base";
import type { LeadershipState, LogEngine } from "@drover/server";
import { RaftError, type RaftNode } from "@raft/node-raft";

/** One that stops hands leadership over: another answers the same request under its token. */
const RETRYABLE = new Set(["not-leader", "timeout-unknown", "dropped", "stopped", "quarantined"]);

export class RaftEngine<R> implements LogEngine<R> {
  readonly #raft: RaftNode<R>;
  #leadership: LeadershipState;
  readonly #listeners = new Set<(state: LeadershipState) => void>();

  constructor(raft: RaftNode<R>) {
    this.#raft = raft;
    const status = raft.status();
    this.#leadership = {
      self: status.leader === raft.memberId,
      term: status.term,
      leaderAddress: status.leaderAddress,
    };
    raft.on("leadership", (state) => {
      this.#leadership = {
        self: state.self,
        term: state.term,
        leaderAddress: state.leaderAddress,
      };
      for (const listener of [...this.#listeners]) listener(this.#leadership);
    });
  }

  async propose(data: Uint8Array, options?: { timeoutMs?: number }) {
    try {
      return await this.#raft.propose(data, options);
    } catch (error) {
      throw translate(error);
    }
  }

  async barrier(options?: { timeoutMs?: number }) {
    try {
      return await this.#raft.readBarrier(options);
    } catch (error) {
      throw translate(error);
    }
  }

  leadership(): LeadershipState {
    return this.#leadership;
  }

  level(): number {
    return this.#raft.level;
  }

  peers(): readonly string[] {
    const { conf } = this.#raft.status();
    const others = [...conf.voters, ...conf.learners].filter((id) => id !== this.#raft.memberId);
    return others.map((id) => conf.addresses[id] ?? "").filter((address) => address !== "");
  }

  onLeadership(fn: (state: LeadershipState) => void): () => void {
    this.#listeners.add(fn);
    return () => this.#listeners.delete(fn);
  }

  async snapshot(): Promise<void> {
    await this.#raft.snapshot();
  }

  async transferLeadership(to?: string): Promise<void> {
    const target = to === undefined ? undefined : this.#voter(to);
    try {
      await this.#raft.transferLeadership(target);
    } catch (error) {
      throw translate(error);
    }
  }

  #voter(idOrAddress: string): string {
    const { voters, addresses } = this.#raft.status().conf;
    const found = voters.find((id) => id === idOrAddress || addresses[id] === idOrAddress);
    if (found !== undefined) return found;
    throw new DroverError("raft-no-voter", `no voter has the id or address "${idOrAddress}"`);
  }
}

/** Unknown outcomes are retryable because every command carries its idempotency token. */
function translate(error: unknown): unknown {
  if (!(error instanceof RaftError)) return error;
  const code = error.code === "not-leader" ? "no-leader" : `raft-${error.code}`;
  const message = error.code === "not-leader" ? "No cluster leader" : error.message;
  return new DroverError(code, message, { retryable: RETRYABLE.has(error.code), cause: error });
}
