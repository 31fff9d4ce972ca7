/** Promises that wait for an index to be applied. */
import { RaftError } from "./api.ts";

interface Waiter {
  readonly index: number;
  readonly deadline: number;
  resolve(): void;
  reject(error: RaftError): void;
}

export class Waiters {
  #waiting: Waiter[] = [];

  add(waiter: Waiter): void {
    this.#waiting.push(waiter);
  }

  applied(index: number): void {
    if (this.#waiting.length === 0) return;
    const ready = this.#waiting.filter((waiter) => waiter.index <= index);
    if (ready.length === 0) return;
    this.#waiting = this.#waiting.filter((waiter) => waiter.index > index);
    for (const waiter of ready) waiter.resolve();
  }

  expire(now: number): void {
    const late = this.#waiting.filter((waiter) => waiter.deadline <= now);
    if (late.length === 0) return;
    this.#waiting = this.#waiting.filter((waiter) => waiter.deadline > now);
    for (const waiter of late) {
      const message = `index ${waiter.index} was not applied here in time`;
      waiter.reject(new RaftError("timeout-unknown", message));
    }
  }

  rejectAll(error = new RaftError("stopped", "the node is stopping")): void {
    const all = this.#waiting;
    this.#waiting = [];
    for (const waiter of all) waiter.reject(error);
  }
}
