/**
 * Lets one after another look at the state, decide, and write. Two loops that decide from the same
 * state what a group can spare would each count on what the other gives away (I2).
 */
import type { LogEngine } from "../log-engine.ts";

export class OneAtATime {
  readonly #engine: Pick<LogEngine<unknown>, "barrier">;
  #last: Promise<void> = Promise.resolve();
  /** An entry's outcome is unknown: it may still be applied, and must be before the next decision. */
  #uncertain = false;

  constructor(engine: Pick<LogEngine<unknown>, "barrier">) {
    this.#engine = engine;
  }

  /** Its turn begins when those before it have ended, however they did. */
  async run<T>(turn: () => Promise<T>): Promise<T> {
    const before = this.#last;
    let end = () => {};
    this.#last = new Promise((resolve) => {
      end = resolve;
    });
    await before;
    try {
      if (this.#uncertain) await this.#engine.barrier();
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
