/** What a member knows of how new its state is, without asking anyone now. */
import type { RaftCore } from "../core/raft.ts";
import type { RaftLimits, RaftTimers } from "./api.ts";
import { elapsedMs, type Moment, momentOf } from "./elapsed.ts";
import { Lease } from "./lease.ts";

export class LocalReads {
  readonly #core: RaftCore;
  readonly #timers: RaftTimers;
  /** null: leases are off. */
  readonly #lease: Lease | null;
  /** All that was committed before this moment is applied here. */
  #knownAt: Moment | null = null;

  constructor(core: RaftCore, timers: RaftTimers, limits: RaftLimits, leases: boolean) {
    this.#core = core;
    this.#timers = timers;
    this.#lease = leases ? new Lease(limits) : null;
  }

  now(): Moment {
    return momentOf(this.#timers);
  }

  ticked(): void {
    this.#lease?.ticked(this.now());
  }

  /** Before the messages of a turn go out. */
  sending(): void {
    if (this.#lease === null) return;
    const status = this.#core.lease();
    if (status !== null) this.#lease.sending(status, this.now());
  }

  /** Where the leader may read by its lease; null: the quorum has to be asked. */
  leaseIndex(): number | null {
    const status = this.#lease === null ? null : this.#core.lease();
    if (status === null || this.#lease?.holds(status, this.now()) !== true) return null;
    return status.commit;
  }

  known(at: Moment): void {
    if (this.#knownAt === null || at.awakeMs > this.#knownAt.awakeMs) this.#knownAt = at;
  }

  /** Milliseconds since the state here was the newest for sure; Infinity: it never was. */
  ageMs(): number {
    return this.#knownAt === null ? Number.POSITIVE_INFINITY : elapsedMs(this.#knownAt, this.now());
  }
}
