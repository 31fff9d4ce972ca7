/** Waits until a predicate over the member's status holds; looked at after every turn. */
import { RaftError } from "./api.ts";

interface Watch {
  readonly holds: () => boolean;
  readonly deadline: number;
  readonly what: string;
  resolve(): void;
  reject(error: RaftError): void;
}

export class Levels {
  readonly #watches = new Set<Watch>();

  /** A predicate that throws a `RaftError` ends the wait with it. */
  until(holds: () => boolean, deadline: number, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const watch = { holds, deadline, what, resolve, reject };
      this.#watches.add(watch);
      this.#look(watch, Number.NEGATIVE_INFINITY);
    });
  }

  check(now: number): void {
    for (const watch of [...this.#watches]) this.#look(watch, now);
  }

  rejectAll(): void {
    for (const watch of this.#watches) {
      watch.reject(new RaftError("stopped", `the node is stopping (waited for ${watch.what})`));
    }
    this.#watches.clear();
  }

  #look(watch: Watch, now: number): void {
    try {
      if (watch.holds()) watch.resolve();
      else if (watch.deadline > now) return;
      else watch.reject(new RaftError("timeout-unknown", `not in time: ${watch.what}`));
    } catch (error) {
      watch.reject(error instanceof RaftError ? error : new RaftError("dropped", String(error)));
    }
    this.#watches.delete(watch);
  }
}
