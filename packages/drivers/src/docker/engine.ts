/**
 * The connection to one Docker engine. The client library is loaded at the first call, because
 * most commands of the program never speak to Docker. Every call has a time limit: the library
 * waits for ever when the daemon dies in the middle of an answer.
 */
import type { IncomingMessage } from "node:http";
import { DroverError } from "@drover/base";
import type Docker from "dockerode";
import { loadDockerode } from "./load-dockerode.ts";

export interface DockerEngineOptions {
  /** `unix:///path`, `tcp://host:port` or a bare socket path; DOCKER_HOST or the default when "". */
  readonly endpoint?: string;
}

const CALL_TIMEOUT_MS = 60_000;

export class DockerEngine {
  readonly #options: DockerEngineOptions;
  #client: Promise<Docker> | null = null;

  constructor(options: DockerEngineOptions) {
    this.#options = options;
  }

  /** Runs `fn` and rejects with code `docker-timeout` when it takes longer than `timeoutMs`. */
  async call<T>(fn: (docker: Docker) => Promise<T>, timeoutMs = CALL_TIMEOUT_MS): Promise<T> {
    const docker = await this.client();
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        const text = `Docker did not answer within ${timeoutMs} ms`;
        reject(new DroverError("docker-timeout", text, { retryable: true }));
      }, timeoutMs);
    });
    try {
      return await Promise.race([fn(docker), limit]);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * A request whose answer is read as a stream by the caller, so that a connection that breaks in
   * the middle is seen; the library's own call would wait for ever.
   */
  async stream(request: {
    readonly method: "GET" | "POST";
    /** With a trailing `?` and the query, if there is one. */
    readonly path: string;
    readonly signal: AbortSignal;
  }): Promise<IncomingMessage> {
    const docker = await this.client();
    return new Promise((resolve, reject) => {
      const dial = {
        path: request.path,
        method: request.method,
        abortSignal: request.signal,
        isStream: true,
        statusCodes: { 200: true, 404: "no such container", 409: "conflict", 500: "server error" },
      };
      docker.modem.dial(dial, (error, answer) => {
        if (error) reject(error);
        else resolve(answer as IncomingMessage);
      });
    });
  }

  client(): Promise<Docker> {
    this.#client ??= connect(this.#options.endpoint ?? "");
    return this.#client;
  }
}

async function connect(endpoint: string): Promise<Docker> {
  if ((endpoint || process.env.DOCKER_HOST || "").startsWith("ssh:")) {
    const text = "Docker over ssh:// is not supported: give unix:// or tcp://";
    throw new DroverError("docker-endpoint", text);
  }
  const Client = await loadDockerode();
  if (endpoint === "") return new Client();
  if (endpoint.startsWith("/")) return new Client({ socketPath: endpoint });
  const url = new URL(endpoint);
  if (url.protocol === "unix:") return new Client({ socketPath: url.pathname });
  const port = url.port === "" ? 2375 : Number(url.port);
  return new Client({ host: url.hostname, port, protocol: "http" });
}

/** The whole text of an answer; rejects when the connection breaks before its end. */
export async function readAll(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
