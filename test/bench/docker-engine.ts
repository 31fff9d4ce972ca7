/** Docker's own API, used bare: what the floors are made of, and when the engine was asked. */
import { mkdtempSync, rmSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DOCKER } from "../support/real-parts.ts";
import { within } from "../support/wait.ts";

/** No act of the engine takes so long. */
const EVENT_MS = 60_000;
/** The engine of the tests; others are named where they are asked. */
const OURS = DOCKER.replace(/^unix:\/\//, "");

/** Resolves with the whole answer; throws on a status above 399 unless `tolerate`. */
export async function engineCall(
  method: string,
  path: string,
  options: {
    readonly body?: unknown;
    readonly tolerate?: boolean;
    readonly socketPath?: string;
  } = {},
): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await open(method, path, options);
  let text = "";
  for await (const chunk of answer) text += chunk;
  const status = answer.statusCode ?? 0;
  if (status > 399 && options.tolerate !== true) {
    throw new Error(`${method} ${path}: ${status} ${text}`);
  }
  return { status, text };
}

function open(
  method: string,
  path: string,
  { body, socketPath = OURS }: { readonly body?: unknown; readonly socketPath?: string },
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "Content-Type": "application/json" };
    const call = request({ socketPath, method, path, headers }, (answer) => {
      answer.setEncoding("utf8");
      resolve(answer);
    });
    call.on("error", reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

export interface EngineEvent {
  readonly action: string;
  readonly containerId: string;
  readonly name: string;
  /** Epoch ms, by the engine's clock, which is this machine's. */
  readonly at: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** Collects the engine's container events until closed. */
export class EngineEvents {
  readonly events: EngineEvent[] = [];
  readonly #answer: IncomingMessage;
  readonly #listeners = new Set<() => void>();
  /** Called with each event as it comes. */
  onEvent: (event: EngineEvent) => void = () => undefined;

  private constructor(answer: IncomingMessage) {
    this.#answer = answer;
    let rest = "";
    answer.on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const event of lines.filter((line) => line !== "").map(toEvent)) {
        this.events.push(event);
        this.onEvent(event);
      }
      for (const listener of this.#listeners) listener();
    });
    // Closing it is how the stream ends.
    answer.on("error", () => undefined);
  }

  static async open(socketPath = OURS): Promise<EngineEvents> {
    const filters = encodeURIComponent(JSON.stringify({ type: ["container"] }));
    return new EngineEvents(await open("GET", `/events?filters=${filters}`, { socketPath }));
  }

  /** The first event that fits, waited for. */
  first(what: string, fits: (event: EngineEvent) => boolean): Promise<EngineEvent> {
    return within(this.#first(fits), { timeoutMs: EVENT_MS, what });
  }

  async #first(fits: (event: EngineEvent) => boolean): Promise<EngineEvent> {
    for (;;) {
      const found = this.events.find(fits);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        const listener = () => {
          this.#listeners.delete(listener);
          resolve();
        };
        this.#listeners.add(listener);
      });
    }
  }

  close(): void {
    this.#answer.destroy();
  }
}

interface RawEvent {
  readonly Action: string;
  readonly timeNano: number;
  readonly Actor: { readonly ID: string; readonly Attributes: Record<string, string> };
}

function toEvent(line: string): EngineEvent {
  const { Action, timeNano, Actor } = JSON.parse(line) as RawEvent;
  const { name = "", ...labels } = Actor.Attributes;
  return { action: Action, containerId: Actor.ID, name, at: timeNano / 1e6, labels };
}

const CREATE = /POST \S*\/containers\/create\?name=([^\s&]+)/g;

/** Stands between agents and engine, changes nothing, and notes when a container is asked for. */
export class EngineRelay {
  /** Name of a container → epoch ms at which the request for it arrived. */
  readonly askedAt = new Map<string, number>();
  readonly endpoint: string;
  readonly #directory = mkdtempSync(join(tmpdir(), "drover-relay-"));
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor() {
    const path = join(this.#directory, "docker.sock");
    this.endpoint = `unix://${path}`;
    this.#server = createServer({ allowHalfOpen: true }, (agent) => this.#join(agent));
    this.#server.listen(path);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #join(agent: Socket): void {
    const engine = connect({ path: OURS, allowHalfOpen: true });
    for (const [from, to] of [
      [agent, engine],
      [engine, agent],
    ] as const) {
      this.#sockets.add(from);
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      // A connection that breaks is closed on both sides.
      from.on("error", () => undefined);
      from.pipe(to);
    }
    agent.on("data", (chunk: Buffer) => {
      const now = performance.timeOrigin + performance.now();
      for (const [, name = ""] of chunk.toString("latin1").matchAll(CREATE)) {
        this.askedAt.set(name, now);
      }
    });
  }
}
