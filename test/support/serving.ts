/**
 * Counts who serves, from Consul's own blocking query and outside Drover: the floor of a rolling
 * update is what consumers of the catalogue see.
 */
import { CONSUL } from "./real-parts.ts";

export interface ServingSample {
  readonly at: number;
  readonly serving: number;
}

export class ServingWatch {
  readonly samples: ServingSample[] = [];
  readonly #abort = new AbortController();
  readonly #done: Promise<void>;

  constructor(service: string) {
    this.#done = this.#follow(service);
  }

  get lowest(): number {
    return Math.min(...this.samples.map((sample) => sample.serving));
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#done;
  }

  async #follow(service: string): Promise<void> {
    let index = 0;
    while (!this.#abort.signal.aborted) {
      try {
        const answer = await fetch(
          `http://${CONSUL}/v1/health/service/${service}?passing=true&wait=10s&index=${index}`,
          { signal: this.#abort.signal },
        );
        index = Number(answer.headers.get("x-consul-index"));
        const entries = (await answer.json()) as unknown[];
        this.samples.push({ at: Date.now(), serving: entries.length });
      } catch (error) {
        if (!this.#abort.signal.aborted) throw error;
      }
    }
  }
}
