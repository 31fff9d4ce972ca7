/**
 * Script checks: Consul only keeps a time to live, the script runs inside the task at our hands
 * (spec chapter 5 §5.6). Exit code 0 passes, 1 warns, anything else is critical.
 */
import { type Clock, errorText, nanosToMs } from "@drover/base";
import { pause } from "../backoff.ts";
import { type CheckSpec, CheckStatus, type ServiceSpec } from "../service-discovery.ts";

export type ScriptRunner = (script: {
  readonly allocId: string;
  readonly taskName: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly timeoutMs: number;
}) => Promise<{ readonly exitCode: number; readonly output: string }>;

export interface ScriptResult {
  readonly status: CheckStatus;
  readonly output: string;
}

export interface ScriptChecksDeps {
  readonly clock: Clock;
  readonly runScript: ScriptRunner | null;
  readonly report: (checkId: string, result: ScriptResult) => Promise<void>;
}

export class ScriptChecks {
  readonly #deps: ScriptChecksDeps;
  readonly #running = new Map<string, AbortController>();

  constructor(deps: ScriptChecksDeps) {
    this.#deps = deps;
  }

  /** Begins the service's script checks, or begins them anew. */
  start(spec: ServiceSpec): void {
    this.stop(spec.id);
    const scripts = spec.checks.filter((check) => check.definition.type === "script");
    if (scripts.length === 0) return;
    const controller = new AbortController();
    this.#running.set(spec.id, controller);
    for (const check of scripts) void this.#loop(spec, check, controller.signal);
  }

  stop(serviceId: string): void {
    this.#running.get(serviceId)?.abort();
    this.#running.delete(serviceId);
  }

  close(): void {
    for (const id of [...this.#running.keys()]) this.stop(id);
  }

  async #loop(spec: ServiceSpec, check: CheckSpec, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const result = await this.#runOnce(spec, check);
      if (signal.aborted) return;
      await this.#deps.report(check.id, result);
      await pause(this.#deps.clock, nanosToMs(check.definition.interval), signal);
    }
  }

  async #runOnce(spec: ServiceSpec, check: CheckSpec): Promise<ScriptResult> {
    const { runScript } = this.#deps;
    if (runScript === null) {
      return { status: CheckStatus.critical, output: "script checks cannot be run here" };
    }
    const { command, args, timeout } = check.definition;
    try {
      const { exitCode, output } = await runScript({
        allocId: spec.allocId,
        taskName: check.taskName,
        command,
        args,
        timeoutMs: nanosToMs(timeout),
      });
      return { status: statusOfExit(exitCode), output };
    } catch (error) {
      return { status: CheckStatus.critical, output: errorText(error) };
    }
  }
}

function statusOfExit(exitCode: number): CheckStatus {
  if (exitCode === 0) return CheckStatus.passing;
  return exitCode === 1 ? CheckStatus.warning : CheckStatus.critical;
}
