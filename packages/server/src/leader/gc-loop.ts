/** Collects what nobody needs any more (spec chapter 9 §9.5). */
import type { ServerContext } from "../context.ts";
import { collectGarbage } from "../operations/operator.ts";
import { LeaderLoop, type LoopPass } from "./leader-loop.ts";

export class GcLoop {
  readonly #context: ServerContext;
  readonly #loop: LeaderLoop;

  constructor(context: ServerContext) {
    this.#context = context;
    this.#loop = new LeaderLoop({ name: "garbage", pass: () => this.#pass() }, context);
  }

  start(): void {
    this.#loop.start();
  }

  stop(): void {
    this.#loop.stop();
  }

  async #pass(): Promise<LoopPass> {
    await collectGarbage(this.#context, { force: false });
    return { wakeAt: this.#context.clock.now() + this.#context.timings.gcIntervalMs };
  }
}
