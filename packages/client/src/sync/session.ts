/**
 * The agent's side of its session: open it on every fresh connection, prove life at half the time
 * to live, and pass on whether the servers can be reached.
 */
import { type Cancel, type Clock, errorText, type Random } from "@drover/base";
import type { Node } from "@drover/model";
import type {
  OpenSessionReply,
  OpenSessionRequest,
  PushAllocs,
  PushImageHints,
} from "@drover/wire";
import type { Log } from "../options.ts";
import type { ServerLink } from "./server-link.ts";

const OPEN_RETRY_MS = 1_000;

export interface SessionDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly link: ServerLink;
  request(): Promise<OpenSessionRequest>;
  opened(reply: OpenSessionReply): void;
  lost(): void;
  node(): Node;
  /** The servers know something else of the node than it says. */
  stale(): void;
  push(push: PushAllocs): void;
  hint(push: PushImageHints): void;
}

export class Session {
  readonly #deps: SessionDeps;
  /** Grows with each connection: results that belong to an older one are ignored. */
  #generation = 0;
  #open = false;
  #timer: Cancel | null = null;
  /** Epoch ms of the last heartbeat that a server answered; 0 = none yet. */
  lastHeardAt = 0;

  constructor(deps: SessionDeps) {
    this.#deps = deps;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  start(): void {
    this.#deps.link.start({
      connected: () => {
        this.#generation++;
        void this.#openSession(this.#generation);
      },
      disconnected: (reason) => {
        this.#generation++;
        this.#close(reason);
      },
      push: (push) => this.#deps.push(push),
      hint: (push) => this.#deps.hint(push),
    });
  }

  async close(): Promise<void> {
    this.#generation++;
    this.#end();
    await this.#deps.link.close();
  }

  async #openSession(generation: number): Promise<void> {
    const { link, log } = this.#deps;
    try {
      const reply = await link.openSession(await this.#deps.request());
      if (generation !== this.#generation) return;
      this.#open = true;
      this.lastHeardAt = this.#deps.clock.now();
      this.#deps.opened(reply);
      this.#beatIn(generation, reply.heartbeatTtlMs / 2);
    } catch (error) {
      if (generation !== this.#generation) return;
      log("warn", "opening the session failed", { error: errorText(error) });
      const jitter = 0.75 + 0.5 * this.#deps.random.next();
      this.#after(OPEN_RETRY_MS * jitter, () => link.drop("the session was not opened"));
    }
  }

  #beatIn(generation: number, delayMs: number): void {
    this.#after(delayMs, () => void this.#beat(generation));
  }

  async #beat(generation: number): Promise<void> {
    const { link, log, clock } = this.#deps;
    try {
      const reply = await link.heartbeat(this.#deps.node());
      if (generation !== this.#generation) return;
      this.lastHeardAt = clock.now();
      if (reply.isStale) this.#deps.stale();
      this.#beatIn(generation, reply.heartbeatTtlMs / 2);
    } catch (error) {
      if (generation !== this.#generation) return;
      log("warn", "a heartbeat was not answered", { error: errorText(error) });
      link.drop("a heartbeat was not answered");
    }
  }

  #after(delayMs: number, act: () => void): void {
    this.#timer?.();
    this.#timer = this.#deps.clock.setTimer(this.#deps.clock.now() + delayMs, act);
  }

  #close(reason: string): void {
    if (this.#open) {
      this.#deps.log("warn", "the connection to the servers is lost", { reason });
    }
    this.#end();
  }

  #end(): void {
    this.#timer?.();
    this.#timer = null;
    if (!this.#open) return;
    this.#open = false;
    this.#deps.lost();
  }
}
