/** Loses, doubles, delays and reorders messages; links are cut in one direction or both. */
import type { MemberId, Message } from "../core/types.ts";
import type { SimClock } from "./clock.ts";
import type { SimRandom } from "./random.ts";
import type { Scenario } from "./scenario.ts";
import type { Trace } from "./trace.ts";

export interface Endpoint {
  /** False when nobody listens (crashed). */
  receive(message: Message): boolean;
  receiveSnapshot(message: Message, data: Uint8Array, done: (ok: boolean) => void): boolean;
  unreachable(peer: MemberId): void;
}

const STRAGGLER_FACTOR = 30;

export class SimNetwork {
  readonly #clock: SimClock;
  readonly #random: SimRandom;
  readonly #trace: Trace;
  readonly #options: Scenario["network"];
  readonly #endpoints = new Map<MemberId, Endpoint>();
  /** "from>to" of every link that is cut. */
  readonly #cut = new Map<string, number>();
  /** Milliseconds that each message on the link takes longer. */
  readonly #slow = new Map<string, number>();
  readonly #lastArrival = new Map<string, number>();
  /** Extra loss during a burst; the liveness phase sets `calm`. */
  lossBurst = 0;
  calm = false;
  /** Called when a message has been taken by its receiver. */
  onReceived: (message: Message) => void = () => {};

  constructor(clock: SimClock, random: SimRandom, trace: Trace, options: Scenario["network"]) {
    this.#clock = clock;
    this.#random = random;
    this.#trace = trace;
    this.#options = options;
  }

  register(id: MemberId, endpoint: Endpoint): void {
    this.#endpoints.set(id, endpoint);
  }

  /** Cuts add up: a link works again when all that cut it have healed. */
  cut(links: readonly (readonly [MemberId, MemberId])[]): () => void {
    for (const [from, to] of links) this.#change(`${from}>${to}`, 1);
    return () => {
      for (const [from, to] of links) this.#change(`${from}>${to}`, -1);
    };
  }

  /** The newest slowness of a link counts. */
  slow(links: readonly (readonly [MemberId, MemberId])[], extraMs: number): () => void {
    for (const [from, to] of links) this.#slow.set(`${from}>${to}`, extraMs);
    return () => {
      for (const [from, to] of links) this.#slow.delete(`${from}>${to}`);
    };
  }

  isCut(from: MemberId, to: MemberId): boolean {
    return this.#cut.size > 0 && this.#cut.has(`${from}>${to}`);
  }

  send(message: Message): void {
    if (this.#isLost(message)) return;
    this.#carry(message);
    if (!this.calm && this.#random.chance(this.#options.duplicateChance)) {
      this.#trace.count("fault duplicate");
      this.#carry(message);
    }
  }

  /** On a connection of its own: slower, and the sender learns how it ended. */
  sendSnapshot(message: Message, data: Uint8Array, done: (ok: boolean) => void): void {
    const lost = this.isCut(message.from, message.to) || this.#random.chance(0.1);
    this.#clock.after(5 * this.#delay(), () => {
      const target = this.#endpoints.get(message.to);
      const arrived = !lost && target?.receiveSnapshot(message, data, done);
      if (arrived !== true) done(false);
    });
  }

  #isLost(message: Message): boolean {
    const cut = this.isCut(message.from, message.to);
    const dropped = !this.calm && this.#random.chance(this.#options.dropChance + this.lossBurst);
    if (!cut && !dropped) return false;
    this.#trace.message(cut ? "cut" : "fault drop", message);
    if (cut) this.#reportUnreachable(message);
    return true;
  }

  #carry(message: Message): void {
    const link = `${message.from}>${message.to}`;
    const extraMs = this.#slow.size > 0 ? (this.#slow.get(link) ?? 0) : 0;
    let arrival = this.#clock.now + this.#delay() + extraMs;
    // A link that heals is a new connection, and connections keep the order.
    if (this.#options.inOrder || this.calm) {
      arrival = Math.max(arrival, this.#lastArrival.get(link) ?? 0);
      this.#lastArrival.set(link, arrival);
    }
    this.#clock.after(arrival - this.#clock.now, () => {
      if (this.isCut(message.from, message.to)) {
        this.#trace.message("cut", message);
        return;
      }
      this.#trace.message("receive", message);
      const target = this.#endpoints.get(message.to);
      if (target?.receive(message) === true) this.onReceived(message);
      else this.#reportUnreachable(message);
    });
  }

  #reportUnreachable(message: Message): void {
    if (!this.#options.reportsUnreachable) return;
    this.#clock.after(this.#delay(), () => {
      this.#endpoints.get(message.from)?.unreachable(message.to);
    });
  }

  #delay(): number {
    const [min, max] = this.#options.delayMs;
    const delay = this.#random.between(min, max);
    if (this.calm || !this.#random.chance(this.#options.stragglerChance)) return delay;
    this.#trace.count("fault straggler");
    return delay * this.#random.between(1, STRAGGLER_FACTOR);
  }

  #change(link: string, by: number): void {
    const count = (this.#cut.get(link) ?? 0) + by;
    if (count > 0) this.#cut.set(link, count);
    else this.#cut.delete(link);
  }
}
