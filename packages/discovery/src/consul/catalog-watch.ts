/**
 * Follows all checks of the Consul agent's node through one blocking query. The catalog is what
 * consumers see, so health is judged by it and not by what the agent was told (DESIGN §10).
 */
import type { Clock } from "@drover/base";
import { pause } from "../backoff.ts";
import type { ConsulHttp } from "./http.ts";

export interface CatalogCheck {
  readonly CheckID: string;
  readonly Name: string;
  readonly Status: string;
  readonly Output: string;
  readonly ServiceID: string;
  readonly ModifyIndex: number;
}

export interface CatalogWatchHandlers {
  /** The node's checks as the catalog shows them now. */
  readonly onChecks: (checks: readonly CatalogCheck[]) => void;
  /** The catalog cannot be read from here on. */
  readonly onLost: (error: unknown) => void;
  /** It can be read again, or for the first time; called before `onChecks`. */
  readonly onFound: () => void;
}

/** Bounds how long a hanging agent goes unnoticed; an idle node costs six requests a minute. */
const WAIT_MS = 10_000;
/** Consul adds up to a sixteenth of the wait by itself. */
const ANSWER_MS = WAIT_MS + WAIT_MS / 16 + 2_000;
const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 2_000;

export class CatalogWatch {
  readonly #http: ConsulHttp;
  readonly #clock: Clock;
  readonly #handlers: CatalogWatchHandlers;
  readonly #controller = new AbortController();
  /** Resolves when the watch has ended. */
  readonly done: Promise<void>;

  constructor(deps: { http: ConsulHttp; clock: Clock; handlers: CatalogWatchHandlers }) {
    this.#http = deps.http;
    this.#clock = deps.clock;
    this.#handlers = deps.handlers;
    this.done = this.#run();
  }

  async close(): Promise<void> {
    this.#controller.abort();
    await this.done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#controller;
    let retryMs = RETRY_MIN_MS;
    const onFound = () => {
      retryMs = RETRY_MIN_MS;
      this.#handlers.onFound();
    };
    while (!signal.aborted) {
      try {
        await this.#follow(await readNodeName(this.#http, signal), onFound);
      } catch (error) {
        if (signal.aborted) return;
        this.#handlers.onLost(error);
      }
      await pause(this.#clock, retryMs, signal);
      retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
    }
  }

  /** Ends only by throwing. */
  async #follow(node: string, onFound: () => void): Promise<never> {
    let index = 0;
    let found = false;
    for (;;) {
      const wait = index === 0 ? "" : `?index=${index}&wait=${WAIT_MS}ms`;
      const answer = await this.#http.request({
        method: "GET",
        path: `/health/node/${encodeURIComponent(node)}${wait}`,
        timeoutMs: ANSWER_MS,
        signal: this.#controller.signal,
      });
      if (!found) onFound();
      found = true;
      this.#handlers.onChecks(answer.body as readonly CatalogCheck[]);
      // An index that went back means another history: Consul was restarted or restored.
      index = answer.index < index ? 0 : Math.max(1, answer.index);
    }
  }
}

/** The Consul node that our registrations belong to. */
export async function readNodeName(http: ConsulHttp, signal: AbortSignal): Promise<string> {
  const answer = await http.request({
    method: "GET",
    path: "/agent/self",
    timeoutMs: 5_000,
    signal,
  });
  const self = answer.body as { readonly Config: { readonly NodeName: string } };
  return self.Config.NodeName;
}
