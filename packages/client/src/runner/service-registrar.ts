/**
 * Keeps the catalog in line with what one allocation offers. `sync` states the whole wish; what is
 * no longer wished is taken back, and `gone` resolves when the catalog shows that.
 */
import { type Clock, errorText } from "@drover/base";
import type { CheckObservation, ServiceDiscovery, ServiceSpec } from "@drover/discovery";
import type { Log } from "../options.ts";

export interface ServicePlan {
  readonly discovery: ServiceDiscovery;
  readonly spec: ServiceSpec;
}

export interface Departure {
  /** Epoch ms until which consumers could find it; infinite = until it left, 0 = never. */
  readonly servedUntil: number;
  /** Names of services that the catalog still showed when the time was up. */
  readonly unconfirmed: readonly string[];
}

interface Entry {
  readonly plan: ServicePlan;
  readonly text: string;
  readonly removal: Promise<{ servedUntil: number; confirmed: boolean }> | null;
  /** As the catalog showed it last; null = it has not shown it yet. */
  readonly serving: boolean | null;
  /** When it was last seen to stop serving; 0 = it was not. */
  readonly servedUntil: number;
}

const UNSEEN = { serving: null, servedUntil: 0 } as const;

export class ServiceRegistrar {
  readonly #ackTimeoutMs: number;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(options: { ackTimeoutMs: number }, deps: { log: Log; clock: Clock }) {
    this.#ackTimeoutMs = options.ackTimeoutMs;
    this.#log = deps.log;
    this.#clock = deps.clock;
  }

  /** Ids that are, or may be, in the catalog. */
  get ids(): readonly string[] {
    return [...this.#entries.keys()];
  }

  has(ids: ReadonlySet<string>): boolean {
    for (const id of this.#entries.keys()) if (ids.has(id)) return true;
    return false;
  }

  /** After a restart: these may have been registered by the agent before. */
  assume(plans: readonly ServicePlan[]): void {
    for (const plan of plans) {
      // Whether it serves now is not known yet; that it did is likely.
      const entry = { plan, text: "", removal: null, serving: true, servedUntil: 0 };
      this.#entries.set(plan.spec.id, entry);
    }
  }

  /** Call when the catalog shows something else: what stops serving is used a little longer. */
  observe(): void {
    for (const [id, entry] of this.#entries) {
      if (entry.removal === null) this.#entries.set(id, this.#observed(entry));
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
      servedUntil: Math.max(0, ...results.map((r) => r?.servedUntil ?? 0)),
      unconfirmed: names.filter((_, i) => results[i]?.confirmed === false),
    };
  }

  #register(plan: ServicePlan): void {
    const id = plan.spec.id;
    const text = JSON.stringify(plan.spec);
    const known = this.#entries.get(id);
    if (known?.removal === null && known.text === text) return;
    const seen = known?.removal === null ? this.#observed(known) : UNSEEN;
    const { serving, servedUntil } = seen;
    this.#entries.set(id, { plan, text, removal: null, serving, servedUntil });
    void this.#send(plan, known?.removal ?? null);
  }

  async #send(plan: ServicePlan, before: Promise<unknown> | null): Promise<void> {
    try {
      await before;
      const now = this.#entries.get(plan.spec.id);
      // It may have been taken back while it waited for its own departure.
      if (now?.plan !== plan || now.removal !== null) return;
      await plan.discovery.register(plan.spec);
    } catch (error) {
      this.#log("error", "registering a service failed", {
        service: plan.spec.id,
        error: errorText(error),
      });
    }
  }

  #remove(id: string, entry: Entry): void {
    const seen = this.#observed(entry);
    // What was never shown may have been found for a moment, or until this agent was restarted.
    const servedUntil = seen.serving === false ? seen.servedUntil : Number.POSITIVE_INFINITY;
    const removal = this.#deregister(id, entry.plan).then((confirmed) => {
      if (this.#entries.get(id) === leaving) this.#entries.delete(id);
      return { servedUntil, confirmed };
    });
    const leaving: Entry = { ...entry, removal };
    this.#entries.set(id, leaving);
  }

  #observed(entry: Entry): Entry {
    const serving = isServing(entry.plan);
    if (serving === null || serving === entry.serving) return entry;
    const servedUntil = entry.serving === true ? this.#clock.now() : entry.servedUntil;
    return { ...entry, serving, servedUntil };
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

/** In the catalog, and nothing there says that it should not be used; null = not in it yet. */
function isServing({ discovery, spec }: ServicePlan): boolean | null {
  const checks = discovery.view().checksByService.get(spec.id);
  if (checks === undefined || checks.length < spec.checks.length) return null;
  return checks.every((check: CheckObservation) => check.status !== "critical");
}
