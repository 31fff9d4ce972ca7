/**
 * One consumer of a service. It goes by its own, late idea of the addresses, keeps connections open
 * as long as the other side does, and never repeats a request.
 */
import { Agent } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { exchange, type Outcome } from "./exchange.ts";
import { LaggingView } from "./lagging-view.ts";
import type { ConnectionKind, LoadOptions } from "./report.ts";
import type { Tally } from "./tally.ts";

const TAKES_MAX_MS = 500;
const SLOW_MS = { from: 2_000, to: 3_000 };
const REST_MS = { from: 1_000, to: 6_000 };

export class LoadClient {
  readonly view: LaggingView;
  readonly #options: LoadOptions;
  readonly #tally: Tally;
  readonly #closing: AbortSignal;
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: Number.POSITIVE_INFINITY });
  #turn = 0;
  inFlight = 0;

  /** `isSlowest`: always learns of changes as late as is allowed. */
  constructor(
    options: LoadOptions & { readonly isSlowest: boolean },
    deps: { readonly tally: Tally; readonly closing: AbortSignal },
  ) {
    this.#options = options;
    this.#tally = deps.tally;
    this.#closing = deps.closing;
    const { lagMaxMs, isSlowest } = options;
    this.view = new LaggingView(
      () => (isSlowest ? lagMaxMs : Math.random() * lagMaxMs),
      (address) => this.#occupy(address),
    );
  }

  /** Begins one request to the next address. */
  begin(): void {
    const address = this.view.addresses[this.#turn++ % this.view.addresses.length];
    const takesMs = Math.random() * TAKES_MAX_MS;
    if (address === undefined) this.#noAddress();
    else if (Math.random() < this.#options.newShare) {
      void this.#send(address, { on: "new", agent: false, takesMs });
    } else void this.#send(address, { on: "reused", agent: this.#agent, takesMs });
  }

  /** Connections that are there as long as the address is. */
  #occupy(address: string): void {
    for (let i = 0; i < this.#options.held; i++) void this.#hold(address);
    for (let i = 0; i < this.#options.slow; i++) void this.#keepBusy(address);
  }

  /** Uses one connection, lets it rest for seconds, uses it again; never closes it. */
  async #hold(address: string): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    let followed = "";
    while (this.#uses(address)) {
      const outcome = await this.#send(address, { on: "held", agent, takesMs: 0 });
      if (outcome.kind === "answered" && followed !== outcome.instance) {
        followed = outcome.instance;
        outcome.socket.once("close", () => this.#tally.restEnded(outcome.instance));
      }
      await this.#rest(between(REST_MS));
    }
  }

  async #keepBusy(address: string): Promise<void> {
    // Spread: some end soon after the address has been dropped, some long after.
    await this.#rest(Math.random() * SLOW_MS.from);
    while (this.#uses(address)) {
      const takesMs = between(SLOW_MS);
      const { kind } = await this.#send(address, { on: "slow", agent: this.#agent, takesMs });
      if (kind === "failed") await this.#rest(takesMs);
    }
  }

  #uses(address: string): boolean {
    return !this.#closing.aborted && this.view.addresses.includes(address);
  }

  async #rest(ms: number): Promise<void> {
    try {
      await delay(ms, undefined, { signal: this.#closing });
    } catch (error) {
      if (!this.#closing.aborted) throw error;
    }
  }

  async #send(
    address: string,
    how: {
      readonly on: ConnectionKind;
      readonly agent: Agent | false;
      readonly takesMs: number;
    },
  ): Promise<Outcome> {
    const sentAt = Date.now();
    this.inFlight += 1;
    const outcome = await exchange(address, how);
    this.inFlight -= 1;
    // An agent opens a connection when none is free.
    const on = how.on === "reused" && !outcome.wasReused ? "new" : how.on;
    if (outcome.kind === "answered") this.#tally.answered(on, outcome);
    else {
      const failedAt = Date.now();
      const droppedAt = this.view.droppedAt.get(address);
      this.#tally.failed({
        kind: outcome.failure,
        on,
        address,
        sentAt,
        failedAt,
        droppedForMs: droppedAt === undefined ? -1 : failedAt - droppedAt,
        detail: `${outcome.detail}; asked for ${Math.round(how.takesMs)} ms`,
      });
    }
    return outcome;
  }

  #noAddress(): void {
    const now = Date.now();
    this.#tally.failed({
      kind: "nobody",
      on: "new",
      address: "",
      sentAt: now,
      failedAt: now,
      droppedForMs: -1,
      detail: "no address is known",
    });
  }
}

function between({ from, to }: { readonly from: number; readonly to: number }): number {
  return from + Math.random() * (to - from);
}
