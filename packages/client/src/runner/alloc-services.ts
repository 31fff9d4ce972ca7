/**
 * What one allocation offers, and its way into and out of the catalog. Plans are built once per
 * version of their inputs: every result of every check asks for them.
 */
import { type Clock, DroverError } from "@drover/base";
import type { ServiceDiscovery } from "@drover/discovery";
import { TaskStartError } from "@drover/drivers";
import type { Allocation, Job, Node, Task } from "@drover/model";
import type { Lookup } from "../core/interpolate.ts";
import { handleOf } from "../core/task-run.ts";
import type { Log } from "../options.ts";
import { type AllocRecord, groupOf } from "../state/alloc-record.ts";
import { servicePlans, wantedPlans } from "./service-plans.ts";
import { type Departure, type ServicePlan, ServiceRegistrar } from "./service-registrar.ts";

export interface AllocServicesOptions {
  readonly hostAddress: string;
  readonly ackTimeoutMs: number;
  readonly consumerGraceMs: number;
}

export interface AllocServicesDeps {
  readonly log: Log;
  readonly clock: Clock;
  node(): Node;
  discovery(provider: string): ServiceDiscovery;
  lookup(record: AllocRecord, task: Task): Lookup;
  /** The catalog still showed these when the time was up. `only` null = the whole allocation. */
  unconfirmed(names: readonly string[], only: Task | null): void;
}

interface Memo {
  readonly alloc: Allocation;
  readonly job: Job;
  readonly node: Node;
  readonly networks: string;
  readonly plans: readonly ServicePlan[];
}

export class AllocServices {
  readonly #options: AllocServicesOptions;
  readonly #deps: AllocServicesDeps;
  readonly #registrar: ServiceRegistrar;
  #memo: Memo | null = null;

  constructor(options: AllocServicesOptions, deps: AllocServicesDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#registrar = new ServiceRegistrar({ ackTimeoutMs: options.ackTimeoutMs }, deps);
  }

  /** Ids that are, or may be, in the catalog. */
  get ids(): readonly string[] {
    return this.#registrar.ids;
  }

  /** What the catalogs cannot do for it, and try again; "" = nothing. */
  trouble(record: AllocRecord): string {
    const troubles = this.plans(record).map(({ discovery, spec }) => discovery.trouble(spec.id));
    return troubles.find((text) => text !== "") ?? "";
  }

  /** One of these is, or may be, in the catalog because of it. */
  has(ids: ReadonlySet<string>): boolean {
    return this.#registrar.has(ids);
  }

  /** A service that cannot be built fails the tasks' setup; until then it is not offered. */
  plans(record: AllocRecord): readonly ServicePlan[] {
    const { alloc, job } = record;
    const node = this.#deps.node();
    const networks = JSON.stringify(
      Object.values(record.tasks).map((run) => handleOf(run)?.network ?? null),
    );
    const memo = this.#memo;
    const same = memo?.alloc === alloc && memo.job === job && memo.node === node;
    if (memo !== null && same && memo.networks === networks) return memo.plans;
    const plans = this.#buildOrNone(record);
    this.#memo = { alloc, job, node, networks, plans };
    return plans;
  }

  /** Throws TaskStartError for a service that can never be registered. */
  refuseBad(record: AllocRecord): void {
    try {
      this.#build(record);
    } catch (error) {
      if (!(error instanceof DroverError) || error.code !== "service-address") throw error;
      // Before a task runs, its driver's network is not known yet.
      if (error.message.includes("needs a driver")) return;
      throw new TaskStartError("unsupported", error.message, { retryable: false, cause: error });
    }
  }

  /** The agent before may have registered these. */
  assume(record: AllocRecord): void {
    this.#registrar.assume(this.plans(record));
  }

  sync(record: AllocRecord): void {
    this.#registrar.sync(wantedPlans(record, this.plans(record)));
  }

  /** Call when the catalog shows something else. */
  observe(): void {
    this.#registrar.observe();
  }

  /** Resolves when what `sync` took back is gone: how long its consumers still need, in ms. */
  async leave(only: Task | null): Promise<number> {
    const departure: Departure = await this.#registrar.gone(only?.name ?? "");
    if (departure.unconfirmed.length > 0) this.#deps.unconfirmed(departure.unconfirmed, only);
    // Consumers of what stopped serving a moment ago may not know of that either.
    const graceMs = this.#options.consumerGraceMs;
    const restMs = departure.servedUntil + graceMs - this.#deps.clock.now();
    return Math.min(graceMs, Math.max(0, restMs));
  }

  #buildOrNone(record: AllocRecord): readonly ServicePlan[] {
    try {
      return this.#build(record);
    } catch (error) {
      if (error instanceof DroverError && error.code === "service-address") return [];
      throw error;
    }
  }

  #build(record: AllocRecord): ServicePlan[] {
    const first = groupOf(record.job, record.alloc).tasks[0];
    return servicePlans({
      record,
      node: this.#deps.node(),
      hostAddress: this.#options.hostAddress,
      lookup: (task) => {
        const of = task ?? first;
        return of === undefined ? new Map() : this.#deps.lookup(record, of);
      },
      discovery: this.#deps.discovery,
    });
  }
}
