/** Waiting, of a run that may be told to end. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Ends all waiting at once when it is told to stop. */
export class Stop {
  #stopped = false;
  readonly #wakes = new Set<() => void>();

  get stopped(): boolean {
    return this.#stopped;
  }

  stop(): void {
    this.#stopped = true;
    for (const wake of [...this.#wakes]) wake();
  }

  sleep(ms: number): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#wakes.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#wakes.add(wake);
    });
  }
}

export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
}

/** Rejects with `NoAnswer` after `ms`; what was asked may still happen. */
export function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new NoAnswer(`no answer in ${ms.toFixed(0)} ms`)), ms);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
