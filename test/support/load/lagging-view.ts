/** The addresses of a service as consumers of Consul know them: by one held query, and late. */

export interface CatalogEntry {
  readonly Node: { readonly Address: string };
  readonly Service: { readonly Address: string; readonly Port: number };
}

/** Follows the passing instances of a service; ends when `signal` is aborted. */
export async function followService(
  options: { readonly consul: string; readonly service: string; readonly signal: AbortSignal },
  onAddresses: (addresses: readonly string[]) => void,
): Promise<void> {
  const { consul, service, signal } = options;
  const base = `http://${consul}/v1/health/service/${service}?passing&wait=10s`;
  let index = 0;
  while (!signal.aborted) {
    try {
      const answer = await fetch(`${base}&index=${index}`, { signal });
      if (!answer.ok) throw new Error(`${base}: ${answer.status} ${await answer.text()}`);
      index = Number(answer.headers.get("x-consul-index"));
      const entries = (await answer.json()) as readonly CatalogEntry[];
      onAddresses(entries.map(addressOf));
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

function addressOf({ Node, Service }: CatalogEntry): string {
  return `${Service.Address === "" ? Node.Address : Service.Address}:${Service.Port}`;
}

/** One client's idea of the addresses: every change arrives, in order, up to a bound later. */
export class LaggingView {
  addresses: readonly string[] = [];
  /** Epoch ms at which an address was dropped last. */
  readonly droppedAt = new Map<string, number>();
  /** Longest time that a change took; more than the bound when this process was held up. */
  lagMaxMs = 0;
  readonly #drawLagMs: () => number;
  readonly #onAdded: (address: string) => void;
  #settledAt = 0;
  #heard = 0;
  #applied = 0;

  constructor(drawLagMs: () => number, onAdded: (address: string) => void) {
    this.#drawLagMs = drawLagMs;
    this.#onAdded = onAdded;
  }

  learn(addresses: readonly string[]): void {
    const heardAt = performance.now();
    const at = Math.max(this.#settledAt, heardAt + this.#drawLagMs());
    this.#settledAt = at;
    const turn = ++this.#heard;
    setTimeout(() => {
      // Timers of different lengths that end together fire in any order.
      if (turn < this.#applied) return;
      this.#applied = turn;
      this.#apply(addresses, heardAt);
    }, at - heardAt);
  }

  #apply(addresses: readonly string[], heardAt: number): void {
    this.lagMaxMs = Math.max(this.lagMaxMs, performance.now() - heardAt);
    const before = this.addresses;
    this.addresses = addresses;
    for (const one of before) if (!addresses.includes(one)) this.droppedAt.set(one, Date.now());
    for (const one of addresses) {
      if (before.includes(one)) continue;
      this.droppedAt.delete(one);
      this.#onAdded(one);
    }
  }
}
