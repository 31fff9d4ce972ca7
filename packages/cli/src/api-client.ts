/**
 * The CLI's side of the HTTP API, on `node:http` because a command must start fast. Errors carry
 * the texts that users and scripts know (spec chapter 7 §7.14).
 */
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { gunzipSync } from "node:zlib";
import { type EndpointName, endpoints, endpointUrl, type QueryValue } from "@drover/api";
import type { Json } from "@drover/model";

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
  readonly method?: string;
  readonly signal?: AbortSignal;
  /** Talk to this address instead (the node that owns a task). */
  readonly address?: string;
}

export interface ApiAnswer {
  readonly status: number;
  readonly index: number;
  readonly nextToken: string;
  readonly json: Json;
  readonly text: string;
}

/** An answer whose status is not 200. */
export class UnexpectedResponse extends Error {
  override readonly name = "UnexpectedResponse";
  readonly status: number;
  readonly body: string;

  constructor(status: number, body: string) {
    super(`Unexpected response code: ${status} (${body.trimEnd()})`);
    this.status = status;
    this.body = body;
  }
}

export class ApiClient {
  readonly options: ApiOptions;

  constructor(options: ApiOptions) {
    this.options = options;
  }

  get address(): string {
    return this.options.address;
  }

  /** Throws `UnexpectedResponse`, or the connection's error with method and URL in front. */
  async call(name: EndpointName, options: CallOptions = {}): Promise<ApiAnswer> {
    const response = await this.#send(name, options);
    const bytes = await collect(response);
    const text = unpack(response, bytes).toString("utf8");
    if (response.statusCode !== 200) throw new UnexpectedResponse(response.statusCode ?? 0, text);
    const isJson = (response.headers["content-type"] ?? "").includes("application/json");
    return {
      status: response.statusCode,
      index: Number(response.headers["x-nomad-index"] ?? 0),
      nextToken: String(response.headers["x-nomad-nexttoken"] ?? ""),
      json: isJson && text !== "" ? (JSON.parse(text) as Json) : null,
      text,
    };
  }

  /** The body as it comes, for logs and files; never compressed. */
  async stream(name: EndpointName, options: CallOptions = {}): Promise<IncomingMessage> {
    const response = await this.#send(name, options, { "Accept-Encoding": "identity" });
    if (response.statusCode === 200) return response;
    const text = (await collect(response)).toString("utf8");
    throw new UnexpectedResponse(response.statusCode ?? 0, text);
  }

  #send(
    name: EndpointName,
    options: CallOptions,
    extra: Record<string, string> = {},
  ): Promise<IncomingMessage> {
    const endpoint = endpoints[name];
    const method = options.method ?? endpoint.methods[0] ?? "GET";
    const { region } = this.options;
    const query = region === "" ? (options.query ?? {}) : { ...options.query, region };
    const url = new URL(
      `${(options.address ?? this.options.address).replace(/\/$/, "")}${endpointUrl(
        endpoint,
        options.params,
        query,
      )}`,
    );
    const body = options.body === undefined ? null : JSON.stringify(options.body);
    const headers: Record<string, string> = { "Accept-Encoding": "gzip", ...extra };
    if (body !== null) headers["Content-Type"] = "application/json";
    if (this.options.token !== "") headers["X-Nomad-Token"] = this.options.token;
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const request = send(
        url,
        { method, headers, ...(options.signal ? { signal: options.signal } : {}) },
        resolve,
      );
      request.once("error", (error: NodeJS.ErrnoException) =>
        reject(connectionError(method, url, error)),
      );
      request.end(body ?? undefined);
    });
  }
}

async function collect(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function unpack(response: IncomingMessage, bytes: Buffer): Buffer {
  return response.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes;
}

/** `Put "http://127.0.0.1:4/v1/jobs": dial tcp 127.0.0.1:4: connect: connection refused` */
function connectionError(method: string, url: URL, error: NodeJS.ErrnoException): Error {
  const verb = method[0] + method.slice(1).toLowerCase();
  return new Error(`${verb} "${url.href}": ${reason(url, error)}`, { cause: error });
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
    default:
      return error.message;
  }
}
