/** A `ServiceDiscovery` over the simulated catalog, for one life of the agent. */
import { DroverError } from "@drover/base";
import {
  type CatalogListener,
  type CatalogView,
  type CheckObservation,
  changedServices,
  type ServiceDiscovery,
  type ServiceSpec,
} from "@drover/discovery";
import type { SimCatalog } from "./catalog.ts";
import { EPOCH_MS, type SimProcess } from "./process.ts";

const LAG_MS = [2, 80] as const;
const CALL_MS = [1, 15] as const;
const RETRY_MS = 1_000;
const RESYNC_MS = 30_000;

export class SimDiscovery implements ServiceDiscovery {
  readonly provider = "consul";
  readonly #catalog: SimCatalog;
  readonly #process: SimProcess;
  readonly #nodeId: string;
  readonly #desired = new Map<string, ServiceSpec>();
  readonly #subscribers = new Set<CatalogListener>();
  #view: CatalogView = { visible: false, checksByService: new Map() };
  #publishing = false;

  constructor(catalog: SimCatalog, process: SimProcess, nodeId: string) {
    this.#catalog = catalog;
    this.#process = process;
    this.#nodeId = nodeId;
    const stop = catalog.subscribe(process.host, () => this.#publishLater());
    process.onEnd(stop);
    this.#publishLater();
    this.#resyncLater(2 * RESYNC_MS);
  }

  async register(spec: ServiceSpec): Promise<void> {
    this.#desired.set(spec.id, spec);
    this.#publishLater();
    await this.#whenUp(() => this.#desired.get(spec.id) === spec);
    if (this.#desired.get(spec.id) === spec) this.#catalog.register(this.#process.host, spec);
  }

  async deregister(
    serviceId: string,
    options: { ackTimeoutMs: number },
  ): Promise<{ confirmed: boolean }> {
    this.#desired.delete(serviceId);
    this.#publishLater();
    return await new Promise((resolve) => {
      this.#process.after(options.ackTimeoutMs, () => resolve({ confirmed: false }));
      void this.#remove(serviceId).then(() => {
        // Consumers see it a little later; so do we.
        this.#process.after(this.#catalog.random.between(...LAG_MS), () => {
          resolve({ confirmed: true });
        });
      });
    });
  }

  view(): CatalogView {
    return this.#view;
  }

  subscribe(fn: CatalogListener): () => void {
    this.#subscribers.add(fn);
    return () => this.#subscribers.delete(fn);
  }

  trouble(): string {
    return "";
  }

  async reconcile(keep: ReadonlySet<string>): Promise<readonly string[]> {
    await this.#pause();
    if (!this.#catalog.isUp(this.#process.host)) {
      throw new DroverError("consul-error", "Consul cannot be reached", { retryable: true });
    }
    const ours = this.#catalog.of(this.#process.host).map(({ spec }) => spec);
    const unknown = ours
      .filter(({ id, nodeId }) => nodeId === this.#nodeId && !keep.has(id))
      .map(({ id }) => id)
      .filter((id) => !this.#desired.has(id));
    for (const id of unknown) this.#catalog.deregister(id);
    return unknown;
  }

  async fingerprint(): Promise<Readonly<Record<string, string>>> {
    return { "consul.version": "1.20.0" };
  }

  async close(): Promise<void> {}

  async #remove(id: string): Promise<void> {
    await this.#whenUp(() => !this.#desired.has(id));
    if (!this.#desired.has(id)) this.#catalog.deregister(id);
  }

  /** Resolves after a call that succeeded, or when `wanted` no longer holds. */
  #whenUp(wanted: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const attempt = () => {
        if (!wanted() || this.#catalog.isUp(this.#process.host)) resolve();
        else this.#process.after(RETRY_MS, attempt);
      };
      this.#process.after(this.#catalog.random.between(...CALL_MS), attempt);
    });
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#process.after(this.#catalog.random.between(...CALL_MS), resolve);
    });
  }

  #resyncLater(ms: number): void {
    this.#process.after(ms, () => {
      this.reconcile(new Set()).then(
        () => this.#restoreMissing(),
        () => undefined,
      );
      this.#resyncLater(RESYNC_MS);
    });
  }

  #restoreMissing(): void {
    for (const [id, spec] of this.#desired) {
      if (!this.#catalog.services.has(id)) this.#catalog.register(this.#process.host, spec);
    }
  }

  /** One look at the catalog for all that changed in the meantime. */
  #publishLater(): void {
    if (this.#publishing) return;
    this.#publishing = true;
    this.#process.after(this.#catalog.random.between(...LAG_MS), () => {
      this.#publishing = false;
      this.#publish();
    });
  }

  #publish(): void {
    const visible = this.#catalog.isUp(this.#process.host);
    const next: CatalogView = {
      visible,
      checksByService: visible ? this.#look() : this.#view.checksByService,
    };
    const changed = changedServices(this.#view, next);
    this.#view = next;
    if (changed?.size === 0) return;
    for (const fn of [...this.#subscribers]) fn(next, changed);
  }

  #look(): Map<string, readonly CheckObservation[]> {
    const seen = new Map<string, readonly CheckObservation[]>();
    for (const id of this.#desired.keys()) {
      const registration = this.#catalog.services.get(id);
      const checks = registration?.spec.checks ?? [];
      const observed = checks.map((check) => ({
        id: check.id,
        name: check.name,
        serviceId: id,
        status: registration?.status ?? "critical",
        output: "",
        at: Math.floor(EPOCH_MS + (registration?.statusAt ?? 0)),
        statusCode: 0,
      }));
      seen.set(id, observed);
    }
    return seen;
  }
}
