/**
 * Plain requests to the Consul agent, for what the client library cannot do: it hides the index
 * header that blocking queries need and drops fields of a registration (weights among them).
 */
import http from "node:http";
import https from "node:https";
import { DroverError, errorText } from "@drover/base";

export interface ConsulAddress {
  /** `http://127.0.0.1:8500`; a bare `host:port` means http. */
  readonly address: string;
  /** "" = none. */
  readonly token: string;
}

export interface ConsulAnswer {
  /** X-Consul-Index; 0 when the answer has none. */
  readonly index: number;
  readonly body: unknown;
}

export class ConsulHttp {
  readonly url: URL;
  readonly #token: string;
  readonly #agent: http.Agent;

  constructor(options: ConsulAddress) {
    const { address } = options;
    this.url = new URL(address.includes("://") ? address : `http://${address}`);
    this.#token = options.token;
    const settings = { keepAlive: true };
    this.#agent =
      this.url.protocol === "https:" ? new https.Agent(settings) : new http.Agent(settings);
  }

  /**
   * Throws DroverError: `consul-unreachable` and `consul-error` (5xx, 429) are retryable,
   * `consul-refused` (4xx) is not.
   */
  request(options: {
    readonly method: "GET" | "PUT";
    /** Path and query below /v1. */
    readonly path: string;
    readonly body?: unknown;
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
  }): Promise<ConsulAnswer> {
    const { method, path, timeoutMs } = options;
    const limit = AbortSignal.any([options.signal, AbortSignal.timeout(timeoutMs)]);
    const text = options.body === undefined ? "" : JSON.stringify(options.body);
    const headers: Record<string, string> = {};
    if (this.#token !== "") headers["X-Consul-Token"] = this.#token;
    if (text !== "") headers["Content-Type"] = "application/json";
    const client = this.url.protocol === "https:" ? https : http;
    const target = new URL(`/v1${path}`, this.url);
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) => {
        const isLate = limit.reason instanceof DOMException && limit.reason.name === "TimeoutError";
        const text = isLate && !options.signal.aborted ? noAnswer(timeoutMs) : errorText(error);
        reject(unreachable(`${method} ${path}: ${text}`, error));
      };
      const request = client.request(
        target,
        { method, headers, agent: this.#agent, signal: limit },
        (answer) => {
          readText(answer).then((body) => {
            try {
              resolve(toAnswer(answer, body));
            } catch (error) {
              reject(error);
            }
          }, fail);
        },
      );
      request.once("error", fail);
      request.end(text);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

async function readText(answer: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function toAnswer(answer: http.IncomingMessage, text: string): ConsulAnswer {
  const status = answer.statusCode ?? 0;
  if (status < 200 || status > 299) {
    const retryable = status >= 500 || status === 429;
    const code = retryable ? "consul-error" : "consul-refused";
    throw new DroverError(code, `Consul answered ${status}: ${text.trim()}`, { retryable });
  }
  const index = Number(answer.headers["x-consul-index"] ?? 0);
  const isJson = (answer.headers["content-type"] ?? "").includes("json");
  return { index: Number.isFinite(index) ? index : 0, body: isJson ? JSON.parse(text) : null };
}

function unreachable(what: string, cause: unknown): DroverError {
  return new DroverError("consul-unreachable", `Consul: ${what}`, { retryable: true, cause });
}

/** What is said of a call that was broken off. */
export function noAnswer(timeoutMs: number): string {
  return timeoutMs < 1_000
    ? `no answer within ${timeoutMs} ms`
    : `no answer within ${timeoutMs / 1_000} s`;
}
