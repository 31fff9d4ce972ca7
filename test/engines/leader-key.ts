/**
 * Leadership as a key of etcd: whoever creates it leads, its creation's revision is the term, and it
 * goes with its holder's lease. A holder that does not know yet that it has lost it is refused by
 * the comparison in each of its appends.
 */
import type { EtcdGateway } from "./etcd-gateway.ts";

export interface LeaderKeyOptions {
  readonly key: string;
  /** What the others read of whoever leads. */
  readonly value: string;
  readonly leaseSeconds: number;
  readonly log: (message: string) => void;
}

export interface LeaderKeyDeps {
  readonly gateway: EtcdGateway;
  /** The lease has run out. */
  readonly lost: () => void;
}

export class LeaderKey {
  readonly #options: LeaderKeyOptions;
  readonly #deps: LeaderKeyDeps;
  #lease: string | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LeaderKeyOptions, deps: LeaderKeyDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** The term; null: somebody holds it. */
  async take(): Promise<number | null> {
    const { key, value } = this.#options;
    const { gateway } = this.#deps;
    const lease = await this.#leased();
    const puts = [{ key, value: Buffer.from(value), lease }];
    return await gateway.writeIf([{ key, createRevision: 0 }], { puts });
  }

  /** Of that term, if it is held still: anybody may take it at once. */
  async resign(term: number): Promise<void> {
    const { key } = this.#options;
    try {
      await this.#deps.gateway.writeIf([{ key, createRevision: term }], { deletes: [key] });
    } catch (error) {
      this.#options.log(`the leader's key goes with its lease: ${error}`);
      await this.abandon();
    }
  }

  /** Gives up whatever is held, so that leadership begins anew. */
  async abandon(): Promise<void> {
    clearInterval(this.#timer);
    const lease = this.#lease;
    this.#lease = null;
    if (lease === null) return;
    try {
      await this.#deps.gateway.revoke(lease);
    } catch (error) {
      this.#options.log(`the lease runs out by itself: ${error}`);
    }
  }

  async #leased(): Promise<string> {
    if (this.#lease !== null) return this.#lease;
    const { leaseSeconds } = this.#options;
    const lease = await this.#deps.gateway.grant(leaseSeconds);
    this.#lease = lease;
    this.#timer = setInterval(() => void this.#keep(lease), (leaseSeconds * 1000) / 3);
    return lease;
  }

  async #keep(lease: string): Promise<void> {
    try {
      if ((await this.#deps.gateway.keepAlive(lease)) || this.#lease !== lease) return;
      await this.abandon();
      this.#deps.lost();
    } catch (error) {
      // It may live yet: the comparison in each append knows.
      this.#options.log(`the lease was not kept alive: ${error}`);
    }
  }
}
