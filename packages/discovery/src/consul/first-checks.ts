/**
 * Consul runs a new check for the first time at a random moment of its first interval, and calls it
 * critical until then: with a check every ten seconds, a task that serves at once is used five
 * seconds late. So the same check is run here, at once and soon again, and once it has passed the
 * registration says so. From then on Consul judges it alone.
 */
import { type Clock, nanosToMs } from "@drover/base";
import { pause } from "../backoff.ts";
import { type ProbeResult, runProbe } from "../builtin/probe.ts";
import { type CheckSpec, CheckStatus } from "../service-discovery.ts";

export type Probe = (check: CheckSpec, signal: AbortSignal) => Promise<ProbeResult>;

/** A registration waits no longer than this for a service that accepts and does not answer. */
const AT_ONCE_MS = 20;
const FIRST_PAUSE_MS = 20;

export class FirstChecks {
  readonly #clock: Clock;
  readonly #probe: Probe;

  constructor(deps: { readonly clock: Clock; readonly probe: Probe | undefined }) {
    this.#clock = deps.clock;
    this.#probe = deps.probe ?? runProbe;
  }

  /** Ids of the checks that pass right now. */
  async passing(checks: readonly CheckSpec[], signal: AbortSignal): Promise<ReadonlySet<string>> {
    const limit = new AbortController();
    const cancel = this.#clock.setTimer(this.#clock.now() + AT_ONCE_MS, () => limit.abort());
    const either = AbortSignal.any([signal, limit.signal]);
    const proven = new Set<string>();
    await Promise.all(
      checks.filter(isProvable).map(async (check) => {
        if (await this.#passes(check, either)) proven.add(check.id);
      }),
    );
    cancel();
    return proven;
  }

  /** False: from now on Consul's own turn comes no later than ours, or nobody wants to know. */
  async untilPassing(check: CheckSpec, signal: AbortSignal): Promise<boolean> {
    if (!isProvable(check)) return false;
    const intervalMs = nanosToMs(check.definition.interval);
    for (let pauseMs = FIRST_PAUSE_MS; pauseMs < intervalMs; pauseMs *= 2) {
      await pause(this.#clock, pauseMs, signal);
      if (signal.aborted) return false;
      if (await this.#passes(check, signal)) return true;
    }
    return false;
  }

  async #passes(check: CheckSpec, signal: AbortSignal): Promise<boolean> {
    try {
      const { status, statusCode } = await this.#probe(check, signal);
      if (check.definition.type !== "http") return status === CheckStatus.passing;
      // Consul's rule: only these pass, after redirects.
      return statusCode >= 200 && statusCode <= 299;
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
  }
}

/** Those that run here exactly as in Consul, and whose user did not ask for something else. */
function isProvable({ definition }: CheckSpec): boolean {
  const { type, initialStatus, successBeforePassing, tlsServerName } = definition;
  const plain = initialStatus === "" && successBeforePassing === 0 && tlsServerName === "";
  return plain && (type === "http" || type === "tcp");
}
