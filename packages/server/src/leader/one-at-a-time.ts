/**
 * Lets one after another look at the state, decide, and write. Two loops that decide from the same
 * state what a group can spare would each count on what the other gives away (I2). Decisions that
 * give away nothing in common, as those of different jobs, wait for each other only until they are
 * taken: their entries are on their way at the same time (DESIGN §7).
 */
export class OneAtATime {
  readonly #passLog: () => Promise<unknown>;
  #last: Promise<void> = Promise.resolve();
  /** An entry's outcome is unknown: it may still be applied, and must be before the next decision. */
  #uncertain = false;
  /** What was begun to be written; none of them rejects. */
  readonly #open = new Set<Promise<void>>();

  /**
   * `passLog` writes an entry and resolves when it is applied here. A read barrier would not do: it
   * passes by what is in the log and not committed yet.
   */
  constructor(passLog: () => Promise<unknown>) {
    this.#passLog = passLog;
  }

  /** Its turn begins when those before it have ended, however they did, and all is written. */
  run<T>(turn: () => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      await this.settled();
      return await turn();
    });
  }

  /** Its turn ends with its decision; `committed` may still be on its way. */
  overlap<T extends { readonly committed: Promise<void> }>(turn: () => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      const decided = await turn();
      const write = decided.committed
        .catch(() => {
          this.#uncertain = true;
        })
        .finally(() => this.#open.delete(write));
      this.#open.add(write);
      return decided;
    });
  }

  /** Whether all that was written is applied here, or never will be. */
  get isSettled(): boolean {
    return this.#open.size === 0 && !this.#uncertain;
  }

  async settled(): Promise<void> {
    while (!this.isSettled) {
      await Promise.all(this.#open);
      if (!this.#uncertain) continue;
      await this.#passLog();
      this.#uncertain = false;
    }
  }

  async #inTurn<T>(turn: () => Promise<T>): Promise<T> {
    const before = this.#last;
    let end = () => {};
    this.#last = new Promise((resolve) => {
      end = resolve;
    });
    await before;
    try {
      if (this.#uncertain) await this.settled();
      return await turn();
    } catch (error) {
      this.#uncertain = true;
      throw error;
    } finally {
      end();
    }
  }
}
