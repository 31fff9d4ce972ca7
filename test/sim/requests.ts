/** Requests of users and operators: each with a token of its own, each answer looked at. */
import { ApiError } from "@drover/api";
import { DroverError } from "@drover/base";
import type { Cluster } from "./world/cluster.ts";

export class Requests {
  readonly #cluster: Cluster;
  #serial = 0;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  serial(): number {
    this.#serial += 1;
    return this.#serial;
  }

  token(): string {
    return `workload:${this.serial()}`;
  }

  /** A refusal is an answer; only a bug is a failure. `token`: of the write that is answered. */
  ask(what: string, answer: Promise<unknown>, token = ""): void {
    const { trace, truth } = this.#cluster;
    answer.then(
      (value) => {
        trace.note(`action ${what}`);
        // Index 0: there was nothing to write.
        const { index = 0 } = (value ?? {}) as { readonly index?: number };
        if (token !== "" && index > 0) truth.acknowledged(token);
      },
      (error: unknown) => {
        const refused = error instanceof DroverError || error instanceof ApiError;
        if (!refused || error.message.includes("validation failed")) {
          this.#cluster.fail(`action ${what}`, error);
        } else trace.note(`refused ${what}`, error.message);
      },
    );
  }
}
