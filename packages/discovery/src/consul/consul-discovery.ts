/**
 * Services in Consul. What should be registered is kept here and nowhere else; the agent and the
 * catalog are brought to it: at once when something changes, again when Consul comes back (a
 * development agent forgets everything), and every half minute. Only registrations that carry this
 * node's id are ever removed, because several agents may share one Consul agent.
 */
import { type Clock, DroverError, errorText } from "@drover/base";
import Consul from "consul";
import { pause, retrying } from "../backoff.ts";
import {
  type CatalogListener,
  type CatalogView,
  type CheckObservation,
  type CheckSpec,
  CheckStatus,
  type ServiceDiscovery,
  type ServiceSpec,
} from "../service-discovery.ts";
import { systemClock } from "../system-clock.ts";
import { ViewKeeper } from "../view.ts";
import { type CatalogCheck, CatalogWatch, readNodeName } from "./catalog-watch.ts";
import { consulAttributes } from "./fingerprint.ts";
import { FirstChecks, type Probe } from "./first-checks.ts";
import { ConsulHttp, noAnswer } from "./http.ts";
import { NODE_META, registrationPayload, SERVICE_PREFIX } from "./payload.ts";
import { ScriptChecks, type ScriptRunner } from "./script-checks.ts";

export interface ConsulDiscoveryOptions {
  /** `http://127.0.0.1:8500`; a bare `host:port` means http. */
  readonly address: string;
  readonly token?: string;
  /** Drover's id of this machine, not Consul's. */
  readonly nodeId: string;
  /** How long one call may take before it is made again; 10 s. */
  readonly callTimeoutMs?: number;
}

export interface ConsulDiscoveryDeps {
  readonly clock?: Clock;
  /** Runs a script check inside its task; without it script checks stay critical. */
  readonly runScript?: ScriptRunner;
  /** Runs a check once; over the network unless a test stands in. */
  readonly probe?: Probe;
  readonly onWarning?: (message: string, error: unknown) => void;
}

interface Desired {
  readonly spec: ServiceSpec;
  /** Aborted when the service is registered anew or is not wanted any more. */
  readonly controller: AbortController;
}

/** Longer than a busy agent takes: what is given up on may still take effect. */
const CALL_MS = 10_000;
const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 30_000;
const RESYNC_MS = 30_000;
/** Tasks are being recovered after a start; what looks unknown may be about to be claimed. */
const PROBATION_MS = 60_000;

export class ConsulDiscovery implements ServiceDiscovery {
  readonly provider = "consul";
  readonly #nodeId: string;
  readonly #clock: Clock;
  readonly #callMs: number;
  readonly #http: ConsulHttp;
  readonly #consul: Consul;
  readonly #watch: CatalogWatch;
  readonly #scripts: ScriptChecks;
  readonly #first: FirstChecks;
  readonly #warn: (message: string, error: unknown) => void;
  readonly #view = new ViewKeeper({ visible: false });
  readonly #desired = new Map<string, Desired>();
  /** Calls about one service are made one after the other. */
  readonly #chains = new Map<string, Promise<unknown>>();
  readonly #closing = new AbortController();
  readonly #background = new Set<Promise<unknown>>();
  #checks: readonly CatalogCheck[] = [];
  /** Why the catalog cannot be read; "" = it can, or has not been tried. */
  #lost = "";
  /** Aborted when Consul can be reached again: what waits to be repeated is repeated now. */
  #found = new AbortController();
  /** What is being repeated, by service, and what went wrong with it. */
  readonly #troubles = new Map<string, string>();
  /** Services with a registration that was sent and not answered: it may take effect yet. */
  readonly #unanswered = new Set<string>();
  readonly #seen = new Map<string, { modifyIndex: number; at: number }>();

  constructor(options: ConsulDiscoveryOptions, deps: ConsulDiscoveryDeps = {}) {
    this.#nodeId = options.nodeId;
    this.#clock = deps.clock ?? systemClock;
    this.#warn = deps.onWarning ?? (() => undefined);
    const token = options.token ?? "";
    this.#http = new ConsulHttp({ address: options.address, token });
    this.#callMs = options.callTimeoutMs ?? CALL_MS;
    this.#consul = makeClient(this.#http.url, { token, timeout: this.#callMs });
    this.#scripts = new ScriptChecks({
      clock: this.#clock,
      runScript: deps.runScript ?? null,
      report: (checkId, result) => this.#reportScript(checkId, result),
    });
    this.#first = new FirstChecks({ clock: this.#clock, probe: deps.probe });
    this.#watch = new CatalogWatch({
      http: this.#http,
      clock: this.#clock,
      handlers: {
        onChecks: (checks) => this.#onChecks(checks),
        onLost: (error) => this.#onLost(error),
        onFound: () => this.#onFound(),
      },
    });
    this.#inBackground(this.#resyncLoop());
  }

  async register(spec: ServiceSpec): Promise<void> {
    this.#desired.get(spec.id)?.controller.abort();
    const entry = { spec, controller: new AbortController() };
    this.#desired.set(spec.id, entry);
    this.#publish();
    const proven = await this.#inOrder(spec.id, () => this.#put(entry));
    if (!this.#isCurrent(entry)) return;
    this.#scripts.start(spec);
    for (const check of spec.checks) {
      if (!proven.has(check.id)) this.#inBackground(this.#proveLater(entry, check));
    }
  }

  async deregister(
    serviceId: string,
    options: { ackTimeoutMs: number },
  ): Promise<{ confirmed: boolean }> {
    this.#forget(serviceId);
    const deadline = AbortSignal.timeout(options.ackTimeoutMs);
    const removed = this.#inOrder(serviceId, () => this.#remove(serviceId));
    this.#inBackground(removed);
    const confirmed = removed.then(() => this.#untilAbsent(serviceId, deadline));
    return { confirmed: await Promise.race([confirmed, this.#expiry(deadline)]) };
  }

  view(): CatalogView {
    return this.#view.current;
  }

  subscribe(fn: CatalogListener): () => void {
    return this.#view.subscribe(fn);
  }

  trouble(serviceId: string): string {
    return this.#troubles.get(serviceId) ?? this.#lost;
  }

  async reconcile(keep: ReadonlySet<string>): Promise<readonly string[]> {
    const ours = await this.#listOurs();
    const unknown = ours.filter((id) => !keep.has(id) && !this.#desired.has(id));
    await Promise.all(unknown.map((id) => this.#inOrder(id, () => this.#removeOnce(id))));
    return unknown;
  }

  fingerprint(): Promise<Readonly<Record<string, string>>> {
    return consulAttributes(this.#consul);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const entry of this.#desired.values()) entry.controller.abort();
    this.#scripts.close();
    // What the library has sent knows no signal: closed sockets end it.
    this.#consul.destroy();
    await this.#watch.close();
    await Promise.allSettled([...this.#background, ...this.#chains.values()]);
    this.#http.close();
  }

  #isCurrent(entry: Desired): boolean {
    return this.#desired.get(entry.spec.id) === entry;
  }

  #forget(serviceId: string): void {
    this.#desired.get(serviceId)?.controller.abort();
    this.#desired.delete(serviceId);
    this.#scripts.stop(serviceId);
    this.#publish();
  }

  /**
   * Resolves with the checks that it told to be passing; as well when a newer call has made this
   * one pointless.
   */
  async #put(entry: Desired): Promise<ReadonlySet<string>> {
    const signal = AbortSignal.any([entry.controller.signal, this.#closing.signal]);
    const proven = await this.#first.passing(entry.spec.checks, signal);
    const body = registrationPayload(entry.spec, proven);
    const path = "/agent/service/register?replace-existing-checks=true";
    // What has been sent is waited for: broken off, it could take effect after a later departure.
    const closing = this.#closing.signal;
    try {
      await this.#retrying("register", { id: entry.spec.id, signal }, async () => {
        const isFirst = !this.#unanswered.has(entry.spec.id);
        this.#unanswered.add(entry.spec.id);
        const timeoutMs = this.#callMs;
        await this.#http.request({ method: "PUT", path, body, timeoutMs, signal: closing });
        if (isFirst) this.#unanswered.delete(entry.spec.id);
      });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    return proven;
  }

  async #proveLater(entry: Desired, check: CheckSpec): Promise<void> {
    const signal = AbortSignal.any([entry.controller.signal, this.#closing.signal]);
    if (!(await this.#first.untilPassing(check, signal))) return;
    await this.#inOrder(entry.spec.id, async () => {
      if (!this.#isCurrent(entry) || this.#isPassing(check)) return;
      // Consul keeps the status of a check it knows, whatever a registration says of it.
      await this.#retrying(`renew check ${check.id} of`, { id: entry.spec.id, signal }, () =>
        this.#dropping(() => this.#consul.agent.check.deregister(check.id)),
      );
      await this.#put(entry);
    });
  }

  #isPassing(check: CheckSpec): boolean {
    return this.#checks.some((c) => c.CheckID === check.id && c.Status === CheckStatus.passing);
  }

  /** Repeats until Consul has accepted it, the service is wanted again, or we are closed. */
  async #remove(serviceId: string): Promise<void> {
    const signal = this.#closing.signal;
    try {
      await this.#retrying("deregister", { id: serviceId, signal }, async () => {
        if (this.#desired.has(serviceId)) return;
        await this.#removeOnce(serviceId);
      });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  #removeOnce(serviceId: string): Promise<void> {
    return this.#dropping(() => this.#consul.agent.service.deregister(serviceId));
  }

  /** What is gone already, by an earlier call that was not answered say, is as it was asked for. */
  async #dropping(call: () => Promise<unknown>): Promise<void> {
    try {
      await this.#calling(call);
    } catch (error) {
      if (!isUnknown(error)) throw error;
    }
  }

  async #calling<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw asRetryable(error, this.#callMs);
    }
  }

  async #retrying<T>(
    what: string,
    { id, signal }: { readonly id: string; readonly signal: AbortSignal },
    attempt: () => Promise<T>,
  ): Promise<T> {
    try {
      return await retrying(attempt, {
        clock: this.#clock,
        signal,
        minMs: RETRY_MIN_MS,
        maxMs: RETRY_MAX_MS,
        hurry: () => this.#found.signal,
        retryable: (error) => error instanceof DroverError && error.retryable,
        onRetry: (error) => {
          this.#troubles.set(id, `cannot ${what} it: ${errorText(error)}`);
          this.#warn(`cannot ${what} ${id}`, error);
        },
      });
    } finally {
      this.#troubles.delete(id);
    }
  }

  /** Asks the catalog, not the agent: consumers read the catalog. */
  async #untilAbsent(serviceId: string, deadline: AbortSignal): Promise<boolean> {
    const signal = AbortSignal.any([deadline, this.#closing.signal]);
    try {
      const node = await readNodeName(this.#http, signal);
      const filter = encodeURIComponent(`ID == "${serviceId}"`);
      let index = 0;
      for (;;) {
        const wait = index === 0 ? "" : `&index=${index}&wait=5s`;
        const path = `/catalog/node/${encodeURIComponent(node)}?filter=${filter}${wait}`;
        const timeoutMs = this.#callMs;
        const answer = await this.#http.request({ method: "GET", path, timeoutMs, signal });
        const found = answer.body as { readonly Services?: Record<string, unknown> } | null;
        if (Object.keys(found?.Services ?? {}).length === 0) return true;
        index = Math.max(1, answer.index);
      }
    } catch (error) {
      if (!signal.aborted) this.#warn(`cannot see whether ${serviceId} is gone`, error);
      return false;
    }
  }

  #expiry(deadline: AbortSignal): Promise<false> {
    const signal = AbortSignal.any([deadline, this.#closing.signal]);
    if (signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      signal.addEventListener("abort", () => resolve(false), { once: true });
    });
  }

  async #listOurs(): Promise<string[]> {
    const filter = `Meta["${NODE_META}"] == "${this.#nodeId}"`;
    const services = await this.#calling(() => this.#consul.agent.service.list({ filter }));
    return Object.keys(services).filter((id) => id.startsWith(SERVICE_PREFIX));
  }

  /** After a gap the agent may have been restarted without its memory. */
  async #restoreMissing(): Promise<void> {
    const present = new Set(await this.#listOurs());
    const missing = [...this.#desired.values()].filter((entry) => !present.has(entry.spec.id));
    await Promise.all(missing.map((entry) => this.#inOrder(entry.spec.id, () => this.#put(entry))));
  }

  async #resyncLoop(): Promise<void> {
    const { signal } = this.#closing;
    await pause(this.#clock, PROBATION_MS, signal);
    while (!signal.aborted) {
      try {
        await this.#restoreMissing();
        await this.reconcile(new Set());
        for (const id of this.#unanswered) if (!this.#desired.has(id)) this.#unanswered.delete(id);
      } catch (error) {
        this.#warn("cannot compare with Consul's registrations", error);
      }
      await pause(this.#clock, RESYNC_MS, signal);
    }
  }

  #onChecks(checks: readonly CatalogCheck[]): void {
    this.#checks = checks;
    this.#publish(true);
    for (const { ServiceID: id } of checks) {
      const isLate = this.#unanswered.has(id) && !this.#desired.has(id);
      if (isLate && !this.#chains.has(id)) {
        this.#inBackground(this.#inOrder(id, () => this.#remove(id)));
      }
    }
  }

  #onFound(): void {
    const earlier = this.#found;
    this.#found = new AbortController();
    earlier.abort();
    this.#lost = "";
    this.#inBackground(this.#restoreMissing());
  }

  #onLost(error: unknown): void {
    if (this.#lost === "") this.#warn("cannot read Consul's catalog", error);
    this.#lost = errorText(error);
    this.#publish(false);
  }

  /** The view holds only what is desired, so that other agents' changes wake nobody here. */
  #publish(visible = this.#view.current.visible): void {
    const checksByService = new Map<string, CheckObservation[]>();
    for (const id of this.#desired.keys()) checksByService.set(id, []);
    for (const check of this.#checks) {
      const list = checksByService.get(check.ServiceID);
      list?.push(this.#observation(check));
    }
    for (const id of this.#seen.keys()) {
      if (!this.#checks.some((check) => check.CheckID === id)) this.#seen.delete(id);
    }
    this.#view.update({ visible, checksByService });
  }

  #observation(check: CatalogCheck): CheckObservation {
    let seen = this.#seen.get(check.CheckID);
    if (seen?.modifyIndex !== check.ModifyIndex) {
      seen = { modifyIndex: check.ModifyIndex, at: this.#clock.now() };
      this.#seen.set(check.CheckID, seen);
    }
    return {
      id: check.CheckID,
      name: check.Name,
      serviceId: check.ServiceID,
      status: statusOf(check.Status),
      output: check.Output,
      at: seen.at,
      statusCode: Number(/^HTTP \S+ \S+: (\d{3})/.exec(check.Output)?.[1] ?? 0),
    };
  }

  async #reportScript(
    checkId: string,
    result: { readonly status: string; readonly output: string },
  ): Promise<void> {
    const path = `/agent/check/update/${encodeURIComponent(checkId)}`;
    const body = { Status: result.status, Output: result.output };
    const { signal } = this.#closing;
    try {
      await this.#http.request({ method: "PUT", path, body, timeoutMs: this.#callMs, signal });
    } catch (error) {
      if (!signal.aborted) this.#warn(`cannot report the result of ${checkId}`, error);
    }
  }

  #inOrder<T>(serviceId: string, step: () => Promise<T>): Promise<T> {
    const before = this.#chains.get(serviceId) ?? Promise.resolve();
    const result = before.then(step);
    const settled = result.then(
      () => undefined,
      () => undefined,
    );
    this.#chains.set(serviceId, settled);
    void settled.then(() => {
      if (this.#chains.get(serviceId) === settled) this.#chains.delete(serviceId);
    });
    return result;
  }

  #inBackground(work: Promise<unknown>): void {
    const watched = work.catch((error: unknown) => {
      if (!this.#closing.signal.aborted) this.#warn("Consul", error);
    });
    this.#background.add(watched);
    void watched.then(() => this.#background.delete(watched));
  }
}

function statusOf(text: string): CheckStatus {
  if (text === "passing" || text === "warning") return text;
  return CheckStatus.critical;
}

/** Consul does not have what it was to drop: a status 404, of services 500 in older versions. */
function isUnknown(error: unknown): boolean {
  const { cause } = error as { readonly cause?: { readonly statusCode?: unknown } };
  return cause?.statusCode === 404 || errorText(error).includes("Unknown service");
}

/** The client library's errors say nothing about repeating; a refusal has a 4xx status. */
function asRetryable(error: unknown, timeoutMs: number): DroverError {
  const status = Number((error as { statusCode?: unknown } | null)?.statusCode ?? 0);
  const retryable = status === 0 || status >= 500 || status === 429;
  const { isTimeout = false } = error as { readonly isTimeout?: boolean };
  const text = isTimeout ? noAnswer(timeoutMs) : errorText(error);
  return new DroverError("consul-error", `Consul: ${text}`, {
    retryable,
    cause: error,
  });
}

function makeClient(
  url: URL,
  limits: { readonly token: string; readonly timeout: number },
): Consul {
  const secure = url.protocol === "https:";
  const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port);
  const { timeout, token } = limits;
  const defaults = { timeout, ...(token === "" ? {} : { token }) };
  return new Consul({ host: url.hostname, port, secure, defaults });
}
