/** An HTTP server that answers as an agent did when a command was recorded. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Exchange } from "./recordings.ts";

/** A held query that the recording never saw answered is cut off after this long. */
const CUT_AFTER_MS = 20;

export class RecordedAgent {
  readonly #server: Server;
  #exchanges: readonly Exchange[] = [];
  #used = new Set<Exchange>();
  /** What was asked and is not in the recording: `GET /v1/jobs`. */
  unexpected: string[] = [];
  /** Writing requests with their bodies, in order. */
  writes: { readonly request: string; readonly body: unknown }[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<RecordedAgent> {
    const server = createServer();
    const agent = new RecordedAgent(server);
    server.on("request", (request, response) => void agent.#answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return agent;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  play(exchanges: readonly Exchange[]): void {
    this.#exchanges = exchanges;
    this.#used = new Set();
    this.unexpected = [];
    this.writes = [];
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://agent");
    const method = request.method ?? "GET";
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString("utf8");
    if (method !== "GET") {
      const body: unknown = text === "" ? null : JSON.parse(text);
      this.writes.push({ request: `${method} ${url.pathname}${url.search}`, body });
    }
    const found = this.#find(method, url);
    if (found === null) {
      this.unexpected.push(`${method} ${url.pathname}${url.search}`);
      response.writeHead(404).end("not recorded");
    } else if (found.status === undefined) {
      setTimeout(() => request.socket.destroy(), CUT_AFTER_MS);
    } else this.#send(found, response);
  }

  #send(found: Exchange, response: ServerResponse): void {
    const { "Content-Encoding": _, ...headers } = found.response_headers ?? {};
    response.writeHead(found.status ?? 200, headers);
    const { response_body: body } = found;
    const isJson = String(headers["Content-Type"] ?? "").includes("json");
    const isText = typeof body === "string" && !isJson;
    const bytes = isText ? body : JSON.stringify(body ?? null);
    const own = bytes.replaceAll("127.0.0.1:4646", this.address.slice("http://".length));
    response.end(body === undefined ? "" : own);
  }

  /** The next unused exchange of that path and query, or the last one like it. */
  #find(method: string, url: URL): Exchange | null {
    const query = canonical(url.search.slice(1));
    const same = this.#exchanges.filter(
      (one) =>
        one.method === method &&
        decodeURIComponent(one.path) === decodeURIComponent(url.pathname) &&
        canonical(one.query ?? "") === query,
    );
    const next = same.find((one) => !this.#used.has(one)) ?? same.at(-1) ?? null;
    if (next) this.#used.add(next);
    return next;
  }
}

function canonical(query: string): string {
  return [...new URLSearchParams(query)]
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join("&");
}
