/**
 * Keeps the catalog in line with what one allocation offers. `sync` states the whole wish; what is
 * no longer wished is taken back, and `gone` resolves when the catalog shows that.
 */
import { errorText } from "@drover/base";
import type { CheckObservation, ServiceDiscovery, ServiceSpec } from "@drover/discovery";
import type { Log } from "../options.ts";

export interface ServicePlan {
  readonly discovery: ServiceDiscovery;
  readonly spec: ServiceSpec;
}

export interface Departure {
  /** Consumers may have been using it. */
  readonly served: boolean;
  /** Names of services that the catalog still showed when the time was up. */
  readonly unconfirmed: readonly string[];
}

interface Entry {
  readonly plan: ServicePlan;
  readonly text: string;
  readonly removal: Promise<{ served: boolean; confirmed: boolean }> | null;
}

export class ServiceRegistrar {
  readonly #ackTimeoutMs: number;
  readonly #log: Log;
  readonly #entries = new Map<string, Entry>();

  constructor(options: { ackTimeoutMs: number }, deps: { log: Log }) {
    this.#ackTimeoutMs = options.ackTimeoutMs;
    this.#log = deps.log;
  }

  /** Ids that are, or may be, in the catalog. */
  get ids(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** After a restart: these may have been registered by the agent before. */
  assume(plans: readonly ServicePlan[]): void {
    for (const plan of plans) {
      this.#entries.set(plan.spec.id, { plan, text: "", removal: null });
    }
  }

  sync(wanted: readonly ServicePlan[]): void {
    const ids = new Set(wanted.map((plan) => plan.spec.id));
    for (const [id, entry] of this.#entries) {
      if (!ids.has(id) && entry.removal === null) this.#remove(id, entry);
    }
    for (const plan of wanted) this.#register(plan);
  }

  /** Resolves when every removal under way is over; `taskName` "" = of the whole allocation. */
  async gone(taskName: string): Promise<Departure> {
    const leaving = [...this.#entries.values()].filter(
      (e) => e.removal !== null && (taskName === "" || e.plan.spec.taskName === taskName),
    );
    const names = leaving.map((e) => e.plan.spec.name);
    const results = await Promise.all(leaving.map((e) => e.removal));
    return {
      served: results.some((r) => r?.served === true),
      unconfirmed: names.filter((_, i) => results[i]?.confirmed === false),
    };
  }

  #register(plan: ServicePlan): void {
    const id = plan.spec.id;
    const text = JSON.stringify(plan.spec);
    const known = this.#entries.get(id);
    if (known?.removal === null && known.text === text) return;
    this.#entries.set(id, { plan, text, removal: null });
    void this.#send(plan, known?.removal ?? null);
  }

  async #send(plan: ServicePlan, before: Promise<unknown> | null): Promise<void> {
    try {
      await before;
      if (this.#entries.get(plan.spec.id)?.plan !== plan) return;
      await plan.discovery.register(plan.spec);
    } catch (error) {
      this.#log("error", "registering a service failed", {
        service: plan.spec.id,
        error: errorText(error),
      });
    }
  }

  #remove(id: string, entry: Entry): void {
    const served = isServing(entry.plan);
    const removal = this.#deregister(id, entry.plan).then((confirmed) => {
      if (this.#entries.get(id) === leaving) this.#entries.delete(id);
      return { served, confirmed };
    });
    const leaving: Entry = { ...entry, removal };
    this.#entries.set(id, leaving);
  }

  async #deregister(id: string, plan: ServicePlan): Promise<boolean> {
    try {
      const ack = await plan.discovery.deregister(id, { ackTimeoutMs: this.#ackTimeoutMs });
      return ack.confirmed;
    } catch (error) {
      this.#log("error", "taking a service back failed", { service: id, error: errorText(error) });
      return false;
    }
  }
}

/** In the catalog, and nothing there says that it should not be used. */
function isServing(plan: ServicePlan): boolean {
  const view = plan.discovery.view();
  const checks = view.checksByService.get(plan.spec.id);
  if (checks === undefined) return plan.spec.checks.length === 0;
  return checks.every((check: CheckObservation) => check.status !== "critical");
}
