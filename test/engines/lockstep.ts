/**
 * Makes what servers do independent of how long their log takes: time moves when told, and
 * proposals go to the log one at a time, each only when the server has come to rest after the one
 * before. So the same inputs give the same entries on any engine that keeps its promises.
 */
import type { Cancel, Clock } from "@drover/base";
import type { LeadershipState, LogEngine } from "@drover/server";

const STARTED_AT = 1_767_225_600_000;
/** Turns of the event loop in which a server that waits for nothing outside has come to rest. */
const REST_TURNS = 20;
const ENTRY_TIMEOUT_MS = 60_000;
const WORK_MAX = 10_000;

interface Timer {
  readonly at: number;
  readonly fn: () => void;
}

export class Lockstep {
  readonly clock: Clock;
  #now = STARTED_AT;
  readonly #timers = new Set<Timer>();
  readonly #proposals: (() => Promise<void>)[] = [];

  constructor() {
    this.clock = {
      now: () => this.#now,
      setTimer: (at, fn): Cancel => {
        const timer = { at, fn };
        this.#timers.add(timer);
        return () => this.#timers.delete(timer);
      },
    };
  }

  engine<R>(inner: LogEngine<R>): LogEngine<R> {
    return new SteppedEngine(inner, (work) => this.#enqueue(work));
  }

  /** Until nothing is left to be done without time moving on. */
  async quiet(): Promise<void> {
    for (let done = 0; done < WORK_MAX; done++) {
      await rest();
      const next = this.#proposals.shift();
      if (next === undefined) return;
      await next();
    }
    throw new Error("the servers propose without end");
  }

  /** What is due on the way happens at its time, one after another. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (let fired = 0; fired < WORK_MAX; fired++) {
      await this.quiet();
      const [due] = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (due === undefined) {
        this.#now = end;
        return;
      }
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.fn();
    }
    throw new Error("something sets timers for the past without end");
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#proposals.push(async () => {
        const [outcome] = await Promise.allSettled([work()]);
        // The server learns of the entry first, and then of its proposal's end, on every engine.
        await rest();
        if (outcome.status === "fulfilled") resolve(outcome.value);
        else reject(outcome.reason);
      });
    });
  }
}

class SteppedEngine<R> implements LogEngine<R> {
  readonly #inner: LogEngine<R>;
  readonly #enqueue: <T>(work: () => Promise<T>) => Promise<T>;

  constructor(inner: LogEngine<R>, enqueue: <T>(work: () => Promise<T>) => Promise<T>) {
    this.#inner = inner;
    this.#enqueue = enqueue;
  }

  propose(data: Uint8Array) {
    return this.#enqueue(() => this.#inner.propose(data, { timeoutMs: ENTRY_TIMEOUT_MS }));
  }

  barrier(options?: { timeoutMs?: number }) {
    return this.#inner.barrier(options);
  }

  leadership(): LeadershipState {
    return this.#inner.leadership();
  }

  level(): number {
    return 0;
  }

  peers(): readonly string[] {
    return this.#inner.peers();
  }

  onLeadership(fn: (state: LeadershipState) => void): () => void {
    return this.#inner.onLeadership(fn);
  }

  snapshot(): Promise<void> {
    return this.#inner.snapshot();
  }

  transferLeadership(to?: string): Promise<void> {
    return this.#inner.transferLeadership(to);
  }
}

async function rest(): Promise<void> {
  for (let turn = 0; turn < REST_TURNS; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
