/**
 * The CLI's side of the HTTP API, on `node:http` because a command must start fast. Errors carry
 * the texts that users and scripts know (spec chapter 7 §7.14).
 */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { type EndpointName, endpoints, endpointUrl, type QueryValue } from "@drover/api";
import { Doc } from "./doc.ts";
import { parseExact } from "./exact-json.ts";

export interface ApiOptions {
  /** `http://host:port` */
  readonly address: string;
  readonly region: string;
  readonly namespace: string;
  readonly token: string;
}

export interface CallOptions {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, QueryValue>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  /** Talk to this address instead (the node that owns a task). */
  readonly address?: string;
}

export interface ApiAnswer {
  /** `X-Nomad-Index`; 0 when there is none. */
  readonly index: number;
  /** `X-Nomad-NextToken`; "" on the last page. */
  readonly nextToken: string;
  readonly doc: Doc;
  readonly text: string;
}

/** An answer whose status is not 200. */
export class UnexpectedResponse extends Error {
  override readonly name = "UnexpectedResponse";
  readonly status: number;

  constructor(status: number, body: string) {
    super(`Unexpected response code: ${status} (${body.trimEnd()})`);
    this.status = status;
  }
}

export class ApiClient {
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  get address(): string {
    return this.#options.address.replace(/\/$/, "");
  }

  get region(): string {
    return this.#options.region;
  }

  /** Throws `UnexpectedResponse`, or the connection's error with method and URL in front. */
  async call(name: EndpointName, options: CallOptions = {}): Promise<ApiAnswer> {
    const response = await this.#send(name, options, {});
    const text = await textOf(response);
    if (response.statusCode !== 200) throw new UnexpectedResponse(response.statusCode ?? 0, text);
    const isJson = (response.headers["content-type"] ?? "").includes("application/json");
    return {
      index: Number(response.headers["x-nomad-index"] ?? 0),
      nextToken: String(response.headers["x-nomad-nexttoken"] ?? ""),
      doc: new Doc(isJson && text !== "" ? JSON.parse(text) : null),
      text,
    };
  }

  /** The body as it comes, for logs and files; never compressed. */
  async stream(name: EndpointName, options: CallOptions = {}): Promise<IncomingMessage> {
    const response = await this.#send(name, options, { "Accept-Encoding": "identity" });
    if (response.statusCode === 200) return response;
    throw new UnexpectedResponse(response.statusCode ?? 0, await textOf(response));
  }

  /** Address, path and query of a call, with this client's region and namespace. */
  url(name: EndpointName, options: CallOptions): URL {
    const { region, namespace } = this.#options;
    const query: Record<string, QueryValue> = {
      ...(namespace === "" ? {} : { namespace }),
      ...(region === "" ? {} : { region }),
      ...options.query,
    };
    const path = `${endpointUrl(endpoints[name], options.params)}${encodeQuery(query)}`;
    const address = (options.address ?? this.#options.address).replace(/\/$/, "");
    if (!/^https?:\/\//.test(address)) {
      const method = methodOf(name);
      throw new Error(`${verb(method)} "${path}": unsupported protocol scheme ""`);
    }
    return new URL(`${address}${path}`);
  }

  async #send(
    name: EndpointName,
    options: CallOptions,
    extra: Record<string, string>,
  ): Promise<IncomingMessage> {
    const url = this.url(name, options);
    const body = options.body === undefined ? null : JSON.stringify(options.body);
    const headers: Record<string, string> = { "Accept-Encoding": "gzip", ...extra };
    if (body !== null) {
      headers["Content-Type"] = "application/json";
      // Without it a DELETE's body is no body, but the beginning of a next request.
      headers["Content-Length"] = String(Buffer.byteLength(body));
    }
    if (this.#options.token !== "") headers["X-Nomad-Token"] = this.#options.token;
    const { signal } = options;
    const init = { method: methodOf(name), headers, ...(signal ? { signal } : {}) };
    const request = await open(url, init);
    return await new Promise((resolve, reject) => {
      request.once("response", resolve);
      request.once("error", (error) => reject(connectionError(init.method, url, error)));
      request.end(body ?? undefined);
    });
  }
}

/** An answer whose large numbers are kept to the digit, for printing. */
export function exactAnswer(answer: ApiAnswer): ReturnType<typeof parseExact> {
  return parseExact(answer.text);
}

async function open(url: URL, init: { method: string }): Promise<ClientRequest> {
  if (url.protocol !== "https:") return httpRequest(url, init);
  const { request } = await import("node:https");
  return request(url, init);
}

function methodOf(name: EndpointName): string {
  return endpoints[name].methods[0] ?? "GET";
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  if (response.headers["content-encoding"] !== "gzip") return bytes.toString("utf8");
  const { gunzipSync } = await import("node:zlib");
  return gunzipSync(bytes).toString("utf8");
}

/** Names sorted, a blank as `+`: error texts show it, and users know it that way. */
export function encodeQuery(query: Readonly<Record<string, QueryValue>>): string {
  const pairs = Object.keys(query)
    .sort()
    .flatMap((key) => {
      const value = query[key] as QueryValue;
      const items = typeof value === "object" ? value : [value];
      return items.map((item) => `${escapeQuery(key)}=${escapeQuery(String(item))}`);
    });
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

function escapeQuery(text: string): string {
  return encodeURIComponent(text)
    .replace(/%20/g, "+")
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function verb(method: string): string {
  return method[0] + method.slice(1).toLowerCase();
}

/** `Put "http://127.0.0.1:4/v1/jobs": dial tcp 127.0.0.1:4: connect: connection refused` */
function connectionError(method: string, url: URL, error: NodeJS.ErrnoException): Error {
  return new Error(`${verb(method)} "${url.href}": ${reason(url, error)}`, { cause: error });
}

function reason(url: URL, error: NodeJS.ErrnoException): string {
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  const target = `dial tcp ${url.hostname}:${port}`;
  switch (error.code) {
    case "ECONNREFUSED":
      return `${target}: connect: connection refused`;
    case "EHOSTUNREACH":
      return `${target}: connect: no route to host`;
    case "ETIMEDOUT":
      return `${target}: i/o timeout`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `dial tcp: lookup ${url.hostname}: no such host`;
    case "ECONNRESET":
      return "EOF";
    case "EPROTO":
      return "http: server gave HTTP response to HTTPS client";
    default:
      return error.message;
  }
}
