/**
 * Lets one after another look at the state, decide, and write. Two loops that decide from the same
 * state what a group can spare would each count on what the other gives away (I2). Decisions that
 * give away nothing in common, as those of different jobs, wait for each other only until they are
 * taken: their entries are on their way at the same time (DESIGN §7).
 */
import type { LogEngine } from "../log-engine.ts";

export class OneAtATime {
  readonly #engine: Pick<LogEngine<unknown>, "barrier">;
  #last: Promise<void> = Promise.resolve();
  /** An entry's outcome is unknown: it may still be applied, and must be before the next decision. */
  #uncertain = false;
  /** What was begun to be written; none of them rejects. */
  readonly #open = new Set<Promise<void>>();

  constructor(engine: Pick<LogEngine<unknown>, "barrier">) {
    this.#engine = engine;
  }

  /** Its turn begins when those before it have ended, however they did, and all is written. */
  run<T>(turn: () => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      await this.landed();
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

  /** Nothing is on its way any more. */
  async landed(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open);
  }

  async #inTurn<T>(turn: () => Promise<T>): Promise<T> {
    const before = this.#last;
    let end = () => {};
    this.#last = new Promise((resolve) => {
      end = resolve;
    });
    await before;
    try {
      if (this.#uncertain) {
        await this.landed();
        await this.#engine.barrier();
      }
      this.#uncertain = false;
      return await turn();
    } catch (error) {
      this.#uncertain = true;
      throw error;
    } finally {
      end();
    }
  }
}
