/**
 * Runs the checks of registered services: at once, then soon again until the first success, then
 * every interval. A group's services are registered before its tasks run, so that the first
 * attempt usually comes too early; without the quick repetitions a task with a check every ten
 * seconds would be healthy ten seconds late.
 */
import { type Clock, nanosToMs } from "@drover/base";
import { pause } from "../backoff.ts";
import {
  type CheckObservation,
  type CheckSpec,
  CheckStatus,
  type ServiceSpec,
} from "../service-discovery.ts";
import { type ProbeResult, runProbe } from "./probe.ts";

export interface BuiltinChecksDeps {
  readonly clock: Clock;
  readonly onChange: () => void;
  /** `runProbe`, unless a test stands in for the network. */
  readonly probe?: (check: CheckSpec, signal: AbortSignal) => Promise<ProbeResult>;
}

const FIRST_PAUSE_MS = 50;
const WAITING = "nomad: waiting to run";

interface Running {
  readonly spec: ServiceSpec;
  readonly controller: AbortController;
  readonly observations: Map<string, CheckObservation>;
}

export class BuiltinChecks {
  readonly #deps: BuiltinChecksDeps;
  readonly #probe: (check: CheckSpec, signal: AbortSignal) => Promise<ProbeResult>;
  readonly #running = new Map<string, Running>();

  constructor(deps: BuiltinChecksDeps) {
    this.#deps = deps;
    this.#probe = deps.probe ?? runProbe;
  }

  /** Begins the service's checks; one with the same id goes on from its last result. */
  start(spec: ServiceSpec): void {
    const earlier = this.#running.get(spec.id);
    earlier?.controller.abort();
    const running: Running = {
      spec,
      controller: new AbortController(),
      observations: new Map(),
    };
    this.#running.set(spec.id, running);
    for (const check of spec.checks) {
      const known = earlier?.observations.get(check.id);
      running.observations.set(check.id, known ?? this.#pending(spec, check));
      void this.#loop(running, check);
    }
    this.#deps.onChange();
  }

  stop(serviceId: string): void {
    const running = this.#running.get(serviceId);
    if (running === undefined) return;
    running.controller.abort();
    this.#running.delete(serviceId);
    this.#deps.onChange();
  }

  close(): void {
    for (const running of this.#running.values()) running.controller.abort();
    this.#running.clear();
  }

  specs(): readonly ServiceSpec[] {
    return [...this.#running.values()].map((running) => running.spec);
  }

  observations(): Map<string, readonly CheckObservation[]> {
    const result = new Map<string, readonly CheckObservation[]>();
    for (const [id, running] of this.#running) result.set(id, [...running.observations.values()]);
    return result;
  }

  async #loop(running: Running, check: CheckSpec): Promise<void> {
    const { signal } = running.controller;
    const intervalMs = nanosToMs(check.definition.interval);
    let pauseMs = Math.min(FIRST_PAUSE_MS, intervalMs);
    while (!signal.aborted) {
      const result = await this.#attempt(check, signal);
      if (result === null) return;
      this.#observe(running, check, result);
      if (result.status === CheckStatus.passing) pauseMs = intervalMs;
      await pause(this.#deps.clock, pauseMs, signal);
      pauseMs = Math.min(pauseMs * 2, intervalMs);
    }
  }

  /** null when the check was stopped meanwhile. */
  async #attempt(check: CheckSpec, signal: AbortSignal): Promise<ProbeResult | null> {
    try {
      const result = await this.#probe(check, signal);
      return signal.aborted ? null : result;
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    }
  }

  #observe(running: Running, check: CheckSpec, result: ProbeResult): void {
    running.observations.set(check.id, {
      id: check.id,
      name: check.name,
      serviceId: running.spec.id,
      status: result.status,
      output: result.output,
      at: this.#deps.clock.now(),
      statusCode: result.statusCode,
    });
    this.#deps.onChange();
  }

  #pending(spec: ServiceSpec, check: CheckSpec): CheckObservation {
    return {
      id: check.id,
      name: check.name,
      serviceId: spec.id,
      status: CheckStatus.pending,
      output: WAITING,
      at: this.#deps.clock.now(),
      statusCode: 0,
    };
  }
}
