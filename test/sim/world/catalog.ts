/** The Consul of the simulated cluster: registrations, and checks that look at real containers. */
import type { CheckStatus, ServiceSpec } from "@drover/discovery";
import type { SimClock, SimRandom } from "@raft/node-raft/sim";

export interface Registration {
  readonly spec: ServiceSpec;
  readonly host: string;
  status: CheckStatus;
  statusAt: number;
  gone: boolean;
}

/** What the checks probe. */
export type Probe = (host: string, spec: ServiceSpec) => boolean;

const FIRST_PROBE_MS = [5, 60] as const;
const PROBE_MS = [900, 1_100] as const;

export class SimCatalog {
  readonly time: SimClock;
  readonly random: SimRandom;
  readonly services = new Map<string, Registration>();
  /** Machines whose Consul agent does not answer. */
  readonly #down = new Set<string>();
  readonly #listeners = new Map<string, Set<() => void>>();
  readonly #probe: Probe;
  /** After each change that a consumer could see. */
  onChange: () => void = () => undefined;

  constructor(time: SimClock, random: SimRandom, probe: Probe) {
    this.time = time;
    this.random = random;
    this.#probe = probe;
  }

  isUp(host: string): boolean {
    return !this.#down.has(host);
  }

  setUp(host: string, up: boolean): void {
    if (up) this.#down.delete(host);
    else this.#down.add(host);
    this.#changed(host);
  }

  subscribe(host: string, fn: () => void): () => void {
    const listeners = this.#listeners.get(host) ?? new Set();
    this.#listeners.set(host, listeners);
    listeners.add(fn);
    return () => listeners.delete(fn);
  }

  of(host: string): Registration[] {
    return [...this.services.values()].filter((registration) => registration.host === host);
  }

  register(host: string, spec: ServiceSpec): void {
    const known = this.services.get(spec.id);
    if (known !== undefined) known.gone = true;
    const registration: Registration = {
      spec,
      host,
      status: known?.status ?? (spec.checks.length === 0 ? "passing" : "critical"),
      statusAt: known?.statusAt ?? this.time.now,
      gone: false,
    };
    this.services.set(spec.id, registration);
    this.#changed(host);
    if (spec.checks.length > 0) this.#probeIn(registration, FIRST_PROBE_MS);
  }

  deregister(id: string): void {
    const known = this.services.get(id);
    if (known === undefined) return;
    known.gone = true;
    this.services.delete(id);
    this.#changed(known.host);
  }

  #probeIn(registration: Registration, [min, max]: readonly [number, number]): void {
    this.time.after(this.random.between(min, max), () => {
      if (registration.gone) return;
      const { host, spec } = registration;
      const status = this.#probe(host, spec) ? "passing" : "critical";
      if (status !== registration.status && this.isUp(host)) {
        registration.status = status;
        registration.statusAt = this.time.now;
        this.#changed(host);
      }
      this.#probeIn(registration, PROBE_MS);
    });
  }

  #changed(host: string): void {
    for (const fn of [...(this.#listeners.get(host) ?? [])]) fn();
    this.onChange();
  }
}
