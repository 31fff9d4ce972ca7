/**
 * Services without Consul: the servers keep the registrations, this machine runs the checks
 * (spec chapter 5 §5.7). The default where no Consul is configured.
 */
import { type Clock, errorText } from "@drover/base";
import type { ServiceRegistration } from "@drover/model";
import { retrying } from "../backoff.ts";
import type {
  CatalogListener,
  CatalogView,
  CheckSpec,
  CheckStatus,
  ServiceDiscovery,
  ServiceSpec,
} from "../service-discovery.ts";
import { systemClock } from "../system-clock.ts";
import { ViewKeeper } from "../view.ts";
import { BuiltinChecks } from "./builtin-checks.ts";
import type { ProbeResult } from "./probe.ts";

/** Where registrations go: the servers. A rejection is repeated until it succeeds. */
export interface RegistrationSink {
  upsert(registrations: readonly ServiceRegistration[]): Promise<void>;
  /** Ids that the servers do not know are not an error. */
  delete(ids: readonly string[]): Promise<void>;
}

export interface BuiltinDiscoveryDeps {
  readonly sink: RegistrationSink;
  readonly clock?: Clock;
  readonly onWarning?: (message: string, error: unknown) => void;
  /** Stands in for the network in tests. */
  readonly probe?: (check: CheckSpec, signal: AbortSignal) => Promise<ProbeResult>;
}

/** One entry of `/v1/client/allocation/:id/checks`. */
export interface CheckResult {
  readonly id: string;
  readonly mode: "healthiness" | "readiness";
  readonly status: "success" | "failure" | "pending";
  readonly statusCode: number;
  readonly output: string;
  /** Epoch ms. */
  readonly at: number;
  readonly task: string;
  readonly service: string;
  readonly check: string;
}

const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 1_000;

export class BuiltinDiscovery implements ServiceDiscovery {
  readonly provider = "nomad";
  readonly #sink: RegistrationSink;
  readonly #clock: Clock;
  readonly #warn: (message: string, error: unknown) => void;
  readonly #checks: BuiltinChecks;
  readonly #view = new ViewKeeper({ visible: true });
  readonly #closing = new AbortController();
  /** The newest wish per service; null = delete it. */
  readonly #wishes = new Map<string, ServiceRegistration | null>();
  readonly #sending = new Map<string, Promise<void>>();

  constructor(deps: BuiltinDiscoveryDeps) {
    this.#sink = deps.sink;
    this.#clock = deps.clock ?? systemClock;
    this.#warn = deps.onWarning ?? (() => undefined);
    this.#checks = new BuiltinChecks({
      clock: this.#clock,
      onChange: () => this.#publish(),
      ...(deps.probe === undefined ? {} : { probe: deps.probe }),
    });
  }

  /** Resolves once the checks run; the servers are told in the background. */
  async register(spec: ServiceSpec): Promise<void> {
    this.#checks.start(spec);
    this.#wishes.set(spec.id, registrationOf(spec));
    void this.#send(spec.id);
  }

  async deregister(
    serviceId: string,
    options: { ackTimeoutMs: number },
  ): Promise<{ confirmed: boolean }> {
    this.#checks.stop(serviceId);
    this.#wishes.set(serviceId, null);
    const deadline = AbortSignal.timeout(options.ackTimeoutMs);
    const expired = new Promise<boolean>((resolve) => {
      const give = () => resolve(false);
      if (deadline.aborted) give();
      else deadline.addEventListener("abort", give, { once: true });
    });
    const sent = this.#send(serviceId).then(() => !this.#wishes.has(serviceId));
    return { confirmed: await Promise.race([sent, expired]) };
  }

  view(): CatalogView {
    return this.#view.current;
  }

  subscribe(fn: CatalogListener): () => void {
    return this.#view.subscribe(fn);
  }

  /** Health does not wait for the servers, and a departure that they do not confirm is logged. */
  trouble(_serviceId: string): string {
    return "";
  }

  /** Results of one allocation's checks, in the words of the HTTP API. */
  checkResults(allocId: string): readonly CheckResult[] {
    const specs = this.#checks.specs().filter((spec) => spec.allocId === allocId);
    return specs.flatMap((spec) => this.#resultsOf(spec));
  }

  /**
   * Nothing to do: no registration outlives this object but on the servers, and they remove those
   * of ended allocations and lost nodes themselves.
   */
  async reconcile(_keep: ReadonlySet<string>): Promise<readonly string[]> {
    return [];
  }

  async fingerprint(): Promise<Readonly<Record<string, string>>> {
    return { "nomad.service_discovery": "true" };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#checks.close();
    await Promise.all(this.#sending.values());
  }

  #resultsOf(spec: ServiceSpec): CheckResult[] {
    const observations = this.#view.current.checksByService.get(spec.id) ?? [];
    return observations.flatMap((seen) => {
      const check = spec.checks.find((candidate) => candidate.id === seen.id);
      if (check === undefined) return [];
      return {
        id: seen.id,
        mode: check.definition.onUpdate === "ignore" ? "readiness" : "healthiness",
        status: RESULT_WORDS[seen.status],
        statusCode: seen.statusCode,
        output: seen.output,
        at: seen.at,
        task: check.taskName,
        service: spec.name,
        check: seen.name,
      };
    });
  }

  #publish(): void {
    this.#view.update({ visible: true, checksByService: this.#checks.observations() });
  }

  /** One sender per service, so that an older wish never overtakes a newer one. */
  #send(serviceId: string): Promise<void> {
    const running = this.#sending.get(serviceId);
    if (running !== undefined) return running;
    const sender = this.#sendWishes(serviceId);
    this.#sending.set(serviceId, sender);
    return sender;
  }

  async #sendWishes(serviceId: string): Promise<void> {
    const { signal } = this.#closing;
    try {
      await retrying(
        async () => {
          for (;;) {
            const wish = this.#wishes.get(serviceId);
            if (wish === undefined) {
              // In the same step as the look, or a wish made in between would find a sender
              // that has already stopped looking.
              this.#sending.delete(serviceId);
              return;
            }
            if (wish === null) await this.#sink.delete([serviceId]);
            else await this.#sink.upsert([wish]);
            if (this.#wishes.get(serviceId) === wish) this.#wishes.delete(serviceId);
          }
        },
        {
          clock: this.#clock,
          signal,
          minMs: RETRY_MIN_MS,
          maxMs: RETRY_MAX_MS,
          retryable: () => true,
          onRetry: (error) =>
            this.#warn(`cannot tell the servers of ${serviceId}: ${errorText(error)}`, error),
        },
      );
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

const RESULT_WORDS: Readonly<Record<CheckStatus, CheckResult["status"]>> = {
  passing: "success",
  warning: "failure",
  critical: "failure",
  pending: "pending",
};

function registrationOf(spec: ServiceSpec): ServiceRegistration {
  return {
    id: spec.id,
    serviceName: spec.name,
    namespace: spec.namespace,
    nodeId: spec.nodeId,
    datacenter: spec.datacenter,
    jobId: spec.jobId,
    allocId: spec.allocId,
    tags: [...spec.tags],
    address: spec.address,
    port: spec.port,
    createIndex: 0,
    modifyIndex: 0,
  };
}
