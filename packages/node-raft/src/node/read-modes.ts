/**
 * The three ways to read (RAFT.md §4.5): ask a quorum, trust the leader's lease, or take what is
 * here and say how old it may be.
 */

import type { ReadPoint } from "./api.ts";
import { RaftError, type RaftLimits, type ReadMode, type ReadOptions } from "./api.ts";
import type { Engine } from "./engine.ts";

const READ_TIMEOUT_MS = 10_000;

export class ReadModes<R> {
  readonly #engine: Engine<R>;
  readonly #leases: boolean;
  /** How long a stale read may wait to become newer, and how old it may be unless asked. */
  readonly #electionMs: number;
  #freshening = false;

  constructor(engine: Engine<R>, limits: RaftLimits, leases: boolean) {
    this.#engine = engine;
    this.#leases = leases;
    this.#electionMs = limits.tickMs * limits.electionTicksMax;
  }

  read(options: ReadOptions): Promise<ReadPoint> {
    switch (options.mode ?? "linearizable") {
      case "linearizable":
        return this.#ask(options.timeoutMs ?? READ_TIMEOUT_MS, "linearizable");
      case "lease":
        return this.#byLease(options.timeoutMs ?? READ_TIMEOUT_MS);
      case "stale":
        return this.#stale(options);
      default: // From a program without types: it must not take "nothing" for an answer.
        return Promise.reject(new RaftError("refused", `no such read mode: ${options.mode}`));
    }
  }

  #ask(timeoutMs: number, mode: ReadMode): Promise<ReadPoint> {
    const engine = this.#engine;
    const askedAt = engine.local.now();
    const deadline = engine.deadline(timeoutMs);
    return new Promise((resolve, reject) => {
      const done = (index: number) => resolve({ index, mode, ageMs: 0 });
      engine.read({ askedAt, deadline, resolve: done, reject });
    });
  }

  async #byLease(timeoutMs: number): Promise<ReadPoint> {
    if (!this.#leases) {
      throw new RaftError("refused", "this member was opened without leases");
    }
    const index = this.#engine.local.leaseIndex();
    if (index === null) return await this.#ask(timeoutMs, "linearizable");
    await this.#engine.waitApplied(index, this.#engine.deadline(timeoutMs));
    return { index, mode: "lease", ageMs: 0 };
  }

  async #stale({ maxStalenessMs, timeoutMs }: ReadOptions): Promise<ReadPoint> {
    const deadline = this.#engine.deadline(timeoutMs ?? this.#electionMs);
    await this.#engine.waitRestored(deadline);
    const max = maxStalenessMs ?? Number.POSITIVE_INFINITY;
    if (this.#engine.local.ageMs() > max) {
      try {
        await this.#ask(timeoutMs ?? this.#electionMs, "linearizable");
      } catch (error) {
        throw tooStale(this.#engine.local.ageMs(), max, error);
      }
      await this.#engine.waitRestored(deadline);
    }
    const ageMs = this.#engine.local.ageMs();
    if (ageMs > max) throw tooStale(ageMs, max);
    this.#freshen(ageMs, max);
    return { index: this.#engine.applied, mode: "stale", ageMs };
  }

  /** In the background, so that those who keep reading find a state that is new enough. */
  #freshen(ageMs: number, max: number): void {
    if (this.#freshening || ageMs < Math.min(max / 2, this.#electionMs)) return;
    this.#freshening = true;
    const over = (): void => {
      this.#freshening = false;
    };
    this.#ask(this.#electionMs, "linearizable").then(over, over);
  }
}

function tooStale(ageMs: number, max: number, cause?: unknown): RaftError {
  const age = ageMs === Number.POSITIVE_INFINITY ? "of unknown age" : `${Math.ceil(ageMs)} ms old`;
  const message = `the state here is ${age}, and no more than ${max} ms are wanted`;
  return new RaftError("too-stale", message, { cause });
}
