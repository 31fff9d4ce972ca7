/** Counts from outside Drover how many answer, all the while. */
import type { TestApi } from "../../test/support/api.ts";
import { ServingWatch } from "../../test/support/serving.ts";

const EVERY_MS = 50;

export interface Serving {
  readonly lowest: number;
  stop(): Promise<void>;
}

/** By Consul's catalog of healthy services, or by asking every registered program itself. */
export function watchServing(service: string, api: TestApi, onConsul: boolean): Serving {
  return onConsul ? new ServingWatch(service) : new AskedOneByOne(service, api);
}

interface Registration {
  readonly Address: string;
  readonly Port: number;
}

class AskedOneByOne implements Serving {
  lowest = Number.POSITIVE_INFINITY;
  #stopped = false;
  readonly #done: Promise<void>;

  constructor(service: string, api: TestApi) {
    this.#done = this.#follow(service, api);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #follow(service: string, api: TestApi): Promise<void> {
    while (!this.#stopped) {
      const registered = await api.get<Registration[]>(`/v1/service/${service}`);
      const answers = await Promise.all(registered.map(isServing));
      this.lowest = Math.min(this.lowest, answers.filter(Boolean).length);
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }
}

async function isServing({ Address, Port }: Registration): Promise<boolean> {
  const answer = await fetch(`http://${Address}:${Port}/health`).catch(() => ({ ok: false }));
  return answer.ok;
}
