/** What this package's tests share: a clock that is moved by hand, and services to register. */
import type { Cancel, Clock } from "@drover/base";
import type { Service } from "@drover/model";
import { mockService } from "@drover/model/testing";
import type { ServiceNetworks } from "./build/address.ts";
import { buildServiceSpecs } from "./build/build-services.ts";
import type { CatalogView, ServiceDiscovery, ServiceSpec } from "./service-discovery.ts";

export class ManualClock implements Clock {
  #now = 1_000_000;
  readonly #timers = new Set<{ at: number; fn: () => void }>();

  now(): number {
    return this.#now;
  }

  setTimer(at: number, fn: () => void): Cancel {
    const timer = { at, fn };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Runs what is due, in order, letting the work that each timer wakes settle before the next. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      await settle();
      const due = [...this.#timers].filter((t) => t.at <= until).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.fn();
    }
    this.#now = until;
    await settle();
  }
}

/** Lets promises and closed sockets run their course; no time passes. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

export interface SpecOptions {
  readonly service?: Partial<Service>;
  readonly networks?: Partial<ServiceNetworks>;
  readonly port?: number;
  readonly allocId?: string;
  readonly nodeId?: string;
  readonly canary?: boolean;
  readonly taskName?: string;
}

export function aSpec(options: SpecOptions = {}): ServiceSpec {
  const [spec] = buildServiceSpecs({
    services: [mockService({ name: "geo-api", ...options.service })],
    taskName: options.taskName ?? "web",
    alloc: {
      id: options.allocId ?? "alloc-1",
      namespace: "default",
      jobId: "job",
      taskGroup: "group",
      nodeId: options.nodeId ?? "node-1",
      canary: options.canary ?? false,
    },
    jobName: "job",
    datacenter: "dc1",
    networks: {
      ports: [{ label: "http", value: options.port ?? 20_000, to: 8_080, hostIp: "127.0.0.1" }],
      hostIp: "127.0.0.1",
      driver: null,
      allocIp: "",
      ...options.networks,
    },
    interpolate: (text) => text.replaceAll(`\${NOMAD_ALLOC_INDEX}`, "4"),
  });
  if (spec === undefined) throw new Error("one service makes one specification");
  return spec;
}

/** Resolves with the first view that `accept` likes; rejects after ten seconds. */
export function untilView(
  discovery: ServiceDiscovery,
  accept: (view: CatalogView) => boolean,
): Promise<CatalogView> {
  if (accept(discovery.view())) return Promise.resolve(discovery.view());
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      unsubscribe();
      reject(new Error(`the view never came; last: ${describe(discovery.view())}`));
    }, 10_000);
    const unsubscribe = discovery.subscribe((view) => {
      if (!accept(view)) return;
      clearTimeout(timer);
      unsubscribe();
      resolve(view);
    });
  });
}

export function statusesOf(view: CatalogView, serviceId: string): string[] {
  return (view.checksByService.get(serviceId) ?? []).map((check) => check.status);
}

function describe(view: CatalogView): string {
  const services = [...view.checksByService.keys()].map((id) => [id, statusesOf(view, id)]);
  return JSON.stringify({ visible: view.visible, services });
}
