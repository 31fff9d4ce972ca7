/**
 * By when each node must be heard of (spec chapter 9 §9.1, DESIGN §7). A table of deadlines; time
 * comes in with each call. Two guards against taking a fleet down by mistake: a pause of our own
 * moves every deadline, and many that fall silent at once are more likely our fault than theirs.
 */
import { assert, type Random } from "@drover/base";
import { type Reason, Rule, subjectOf, waitsUntil } from "@drover/model";

export interface HeartbeatOptions {
  readonly minTtlMs: number;
  readonly maxPerSecond: number;
  /** Added to what the client was told before it counts as missed. */
  readonly graceMs: number;
  /** What every node has when a new leader takes over. */
  readonly failoverTtlMs: number;
  /** Lateness of our own loop above which deadlines move. */
  readonly lagMaxMs: number;
  /** Share of the nodes that may fall silent within one window. */
  readonly expiredShareMax: number;
  readonly windowMs: number;
  /** How long nodes are held back when more do; after that they are believed to be gone. */
  readonly holdMs: number;
}

export const DEFAULT_HEARTBEAT_OPTIONS: HeartbeatOptions = {
  minTtlMs: 10_000,
  maxPerSecond: 50,
  graceMs: 10_000,
  failoverTtlMs: 300_000,
  lagMaxMs: 1_000,
  expiredShareMax: 0.3,
  windowMs: 10_000,
  holdMs: 300_000,
};

/** So many silent nodes are believed whatever their share. */
const BELIEVED = 2;

export interface Expired {
  /** Nodes that missed their heartbeat; no longer tracked until they beat again. */
  readonly missed: readonly string[];
  /** Of nodes that would have expired but are held: an alert. */
  readonly held: readonly Reason[];
  /** By how much every deadline was moved because this loop itself was late; 0 = not. */
  readonly shiftedMs: number;
}

interface Deadline {
  at: number;
  /** Epoch ms since which it is held; 0 = it is not. */
  heldSince: number;
}

export class Heartbeats {
  readonly #options: HeartbeatOptions;
  readonly #deadlines = new Map<string, Deadline>();
  /** Nodes that expired within the window and have not been heard of since → when. */
  readonly #recent = new Map<string, number>();
  #lastCallAt: number;

  constructor(options: Partial<HeartbeatOptions>, now: number) {
    this.#options = { ...DEFAULT_HEARTBEAT_OPTIONS, ...options };
    this.#lastCallAt = now;
    assert(this.#options.minTtlMs > 0, "a heartbeat needs some time");
  }

  get size(): number {
    return this.#deadlines.size;
  }

  /** A node that lives as far as the state knows, at the start of our leadership. */
  track(nodeId: string, now: number): void {
    if (this.#deadlines.has(nodeId)) return;
    this.#deadlines.set(nodeId, { at: now + this.#options.failoverTtlMs, heldSince: 0 });
  }

  /** Heard of. Answers the milliseconds until the next beat is due; spread, so that they part. */
  beat(nodeId: string, now: number, random: Random): number {
    this.#lastCallAt = now;
    const { minTtlMs, maxPerSecond, graceMs } = this.#options;
    const nodes = this.#deadlines.size + (this.#deadlines.has(nodeId) ? 0 : 1);
    const base = Math.max(minTtlMs, Math.ceil((nodes / maxPerSecond) * 1000));
    const ttlMs = base + random.int(base);
    this.#deadlines.set(nodeId, { at: now + ttlMs + graceMs, heldSince: 0 });
    this.#recent.delete(nodeId);
    return ttlMs;
  }

  forget(nodeId: string): void {
    this.#deadlines.delete(nodeId);
  }

  /** Epoch ms of the next `expire` that has something to do; null = nobody is tracked. */
  wakeAt(): number | null {
    let at: number | null = null;
    for (const deadline of this.#deadlines.values()) {
      const due = this.#dueAt(deadline);
      at = at === null ? due : Math.min(at, due);
    }
    return at;
  }

  /** Why a node that is overdue is not given up yet; null = it is not overdue, or not here. */
  why(nodeId: string, now: number): Reason | null {
    const deadline = this.#deadlines.get(nodeId);
    if (deadline === undefined || now < deadline.at - this.#options.graceMs) return null;
    return this.#overdue(nodeId, deadline);
  }

  #overdue(nodeId: string, deadline: Deadline): Reason {
    const subject = subjectOf.node(nodeId);
    const isHeld = deadline.heldSince > 0;
    return waitsUntil(this.#dueAt(deadline), {
      rule: isHeld ? Rule.nodeHeartbeatHeld : Rule.nodeHeartbeat,
      subject,
      text: isHeld
        ? "it fell silent together with many others, which is believed only when it lasts"
        : "its heartbeat is overdue",
      since: isHeld ? deadline.heldSince : deadline.at - this.#options.graceMs,
      hint: "look after the machine, its agent and the network between",
    });
  }

  expire(now: number): Expired {
    const due = this.wakeAt();
    const pauseMs = now - this.#lastCallAt;
    this.#lastCallAt = now;
    // Who handled beats in between did not pause: then it was only woken late, and may judge.
    const { lagMaxMs } = this.#options;
    if (due !== null && now - due > lagMaxMs && pauseMs > lagMaxMs) {
      for (const deadline of this.#deadlines.values()) deadline.at += pauseMs;
      return { missed: [], held: [], shiftedMs: pauseMs };
    }
    const silent = [...this.#deadlines].filter(([, deadline]) => this.#dueAt(deadline) <= now);
    return this.#isTooMany(silent.length, now)
      ? this.#hold(silent, now)
      : this.#expire(silent, now);
  }

  #expire(silent: readonly (readonly [string, Deadline])[], now: number): Expired {
    for (const [nodeId] of silent) {
      this.#deadlines.delete(nodeId);
      this.#recent.set(nodeId, now);
    }
    return { missed: silent.map(([nodeId]) => nodeId), held: [], shiftedMs: 0 };
  }

  /** Who has been held long enough goes; the others stay, and wait. */
  #hold(silent: readonly (readonly [string, Deadline])[], now: number): Expired {
    const over = silent.filter(([, deadline]) => deadline.heldSince > 0);
    const held = silent.filter(([, deadline]) => deadline.heldSince === 0);
    for (const [, deadline] of held) deadline.heldSince = now;
    const { missed } = this.#expire(over, now);
    return { missed, held: held.map((each) => this.#overdue(...each)), shiftedMs: 0 };
  }

  /** A few nodes are always believed: in a cluster of three, one is a third of all already. */
  #isTooMany(count: number, now: number): boolean {
    for (const [nodeId, at] of this.#recent) {
      if (at <= now - this.#options.windowMs) this.#recent.delete(nodeId);
    }
    const expired = this.#recent.size + count;
    const known = this.#recent.size + this.#deadlines.size;
    return expired > BELIEVED && expired > known * this.#options.expiredShareMax;
  }

  #dueAt(deadline: Deadline): number {
    return deadline.heldSince > 0 ? deadline.heldSince + this.#options.holdMs : deadline.at;
  }
}
