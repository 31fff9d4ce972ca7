/**
 * Which evaluation is worked on next (spec chapter 6 §6.1, chapter 9 §9.2). Higher priority first,
 * then older; at most one evaluation of a job is handed out or ready at a time, the others of that
 * job wait, and when the one is done the newest waiting one runs and the rest are superseded.
 *
 *   enqueue ─┬─ waitUntil ahead → delayed ─ its time ─┬→ ready ─ dequeue → leased ─ ack → gone
 *            └────────────────────────────────────────┘                      └─ nack → delayed
 *   while another of the job is ready or leased: waiting                          or failed
 *
 * Memory only: a new leader enqueues everything pending again. Time comes in with each call.
 */
import { assert, Heap } from "@drover/base";
import { EvalStatus, type Evaluation, type Reason } from "@drover/model";
import type { Lease } from "../contracts.ts";
import type { Entry } from "./entry.ts";
import { whyPlaced } from "./why-eval.ts";

export interface BrokerOptions {
  /** Hand-outs before an evaluation counts as failed. */
  readonly deliveriesMax: number;
  /** A lease that is neither acked nor nacked by then is taken back. */
  readonly nackTimeoutMs: number;
  readonly firstNackDelayMs: number;
  /** Times (attempt - 1) from the second nack on. */
  readonly nackDelayMs: number;
}

export const DEFAULT_BROKER_OPTIONS: BrokerOptions = {
  deliveriesMax: 3,
  nackTimeoutMs: 60_000,
  firstNackDelayMs: 1_000,
  nackDelayMs: 20_000,
};

export interface BrokerStats {
  readonly ready: number;
  readonly waiting: number;
  readonly delayed: number;
  readonly leased: number;
  readonly failed: number;
}

export class EvalBroker {
  readonly #options: BrokerOptions;
  readonly #entries = new Map<string, Entry>();
  /** Job → the evaluation that is ready, leased, or delayed after a nack. */
  readonly #busy = new Map<string, string>();
  /** Job → evaluations that wait for the busy one. */
  readonly #waiting = new Map<string, Set<string>>();
  readonly #ready = new Map<string, Heap<Entry>>();
  readonly #delayed = new Heap<Entry>((a, b) => a.deadline < b.deadline);
  /** As many as there are workers. */
  readonly #leased = new Set<Entry>();
  readonly #failed = new Set<Entry>();
  #superseded: Evaluation[] = [];
  #leases = 0;

  constructor(options: Partial<BrokerOptions> = {}) {
    this.#options = { ...DEFAULT_BROKER_OPTIONS, ...options };
  }

  /** Takes in a pending evaluation. One that is known already is not doubled. */
  enqueue(evaluation: Evaluation, now: number): void {
    assert(evaluation.status === EvalStatus.pending, () => `enqueues a ${evaluation.status} one`);
    const known = this.#entries.get(evaluation.id);
    if (known !== undefined) {
      known.evaluation = evaluation;
      return;
    }
    const entry = newEntry(evaluation);
    this.#entries.set(evaluation.id, entry);
    if (evaluation.waitUntil > now) this.#delay(entry, evaluation.waitUntil);
    else this.#admit(entry);
  }

  /**
   * Takes in one that waited for capacity, which has come. Its holder may have decided that it
   * waits on without having seen that: then it is handed out once more.
   */
  setFree(evaluation: Evaluation, now: number): void {
    const known = this.#entries.get(evaluation.id);
    if (known?.place === "leased") known.again = true;
    this.enqueue(evaluation, now);
  }

  /** The best ready evaluation of these scheduler types; null = none is ready. */
  dequeue(types: readonly string[], now: number): Lease | null {
    this.advance(now);
    let best: Entry | undefined;
    for (const type of types) {
      const top = this.#peek(type);
      if (top !== undefined && (best === undefined || isBefore(top, best))) best = top;
    }
    if (best === undefined) return null;
    this.#ready.get(best.evaluation.type)?.pop();
    best.place = "leased";
    this.#leased.add(best);
    best.attempts += 1;
    best.again = false;
    best.deadline = now + this.#options.nackTimeoutMs;
    this.#leases += 1;
    best.token = `${best.evaluation.id}/${this.#leases}`;
    return { evaluation: best.evaluation, token: best.token, attempt: best.attempts };
  }

  /** Whether the lease is still the holder's: it may submit a plan only then. */
  isLeased(evalId: string, token: string): boolean {
    const entry = this.#entries.get(evalId);
    return entry?.place === "leased" && entry.token === token;
  }

  /** Gives the holder its whole time again, as when its plan has waited in a queue. */
  extend(evalId: string, token: string, now: number): boolean {
    const entry = this.#leasedEntry(evalId, token);
    if (entry !== undefined) entry.deadline = now + this.#options.nackTimeoutMs;
    return entry !== undefined;
  }

  /** Done. False = the lease had run out, and someone else may be at it. */
  ack(evalId: string, token: string): boolean {
    const entry = this.#leasedEntry(evalId, token);
    if (entry === undefined) return false;
    this.#entries.delete(evalId);
    this.#leased.delete(entry);
    this.#release(entry.evaluation);
    if (entry.again) {
      const next = newEntry(entry.evaluation);
      this.#entries.set(evalId, next);
      this.#admit(next);
    }
    return true;
  }

  /** Not done: it is tried again later, or given up after the last delivery. */
  nack(evalId: string, token: string, now: number): boolean {
    const entry = this.#leasedEntry(evalId, token);
    if (entry === undefined) return false;
    this.#giveBack(entry, now);
    return true;
  }

  /** Forgets one that ended otherwise: canceled, deleted, completed by another command. */
  forget(evalId: string): void {
    const entry = this.#entries.get(evalId);
    if (entry === undefined) return;
    if (entry.place === "leased") {
      entry.again = false;
      return;
    }
    const key = jobOf(entry.evaluation);
    this.#entries.delete(evalId);
    this.#failed.delete(entry);
    this.#waiting.get(key)?.delete(evalId);
    if (this.#busy.get(key) === evalId) this.#release(entry.evaluation);
  }

  /** Moves what is due: delayed ones become ready, leases that ran out are taken back. */
  advance(now: number): void {
    for (let top = this.#delayed.peek(); top !== undefined; top = this.#delayed.peek()) {
      const isStale = top.place !== "delayed" || this.#entries.get(top.evaluation.id) !== top;
      if (!isStale && top.deadline > now) break;
      this.#delayed.pop();
      if (!isStale) this.#admit(top);
    }
    for (const entry of this.#leased) if (entry.deadline <= now) this.#giveBack(entry, now);
  }

  /** Epoch ms at which `advance` has something to do; null = nothing waits for time. */
  wakeAt(): number | null {
    let at: number | null = null;
    const consider = (deadline: number) => {
      at = at === null ? deadline : Math.min(at, deadline);
    };
    const top = this.#delayed.peek();
    if (top !== undefined) consider(top.deadline);
    for (const entry of this.#leased) consider(entry.deadline);
    return at;
  }

  /** Evaluations that a newer one of their job has made needless; to be written as canceled. */
  takeSuperseded(): readonly Evaluation[] {
    const taken = this.#superseded;
    this.#superseded = [];
    return taken;
  }

  /** Evaluations out of deliveries; to be written as failed, with a follow-up. Forgets them. */
  takeFailed(): readonly Evaluation[] {
    const failed = [...this.#failed];
    for (const entry of failed) this.forget(entry.evaluation.id);
    return failed.map((entry) => entry.evaluation);
  }

  /** Why an evaluation is not worked on; null = it is not here. */
  why(evalId: string): Reason | null {
    const entry = this.#entries.get(evalId);
    if (entry === undefined) return null;
    const busy = this.#busy.get(jobOf(entry.evaluation));
    return whyPlaced(entry, this.#entries.get(busy ?? "")?.evaluation ?? null);
  }

  stats(): BrokerStats {
    const stats = { ready: 0, waiting: 0, delayed: 0, leased: 0, failed: 0 };
    for (const entry of this.#entries.values()) stats[entry.place] += 1;
    return stats;
  }

  #leasedEntry(evalId: string, token: string): Entry | undefined {
    const entry = this.#entries.get(evalId);
    return entry?.place === "leased" && entry.token === token ? entry : undefined;
  }

  #admit(entry: Entry): void {
    const key = jobOf(entry.evaluation);
    const busy = this.#busy.get(key);
    if (busy === undefined || busy === entry.evaluation.id) {
      this.#busy.set(key, entry.evaluation.id);
      this.#makeReady(entry);
      return;
    }
    entry.place = "waiting";
    const waiting = this.#waiting.get(key) ?? new Set<string>();
    this.#waiting.set(key, waiting.add(entry.evaluation.id));
  }

  #makeReady(entry: Entry): void {
    entry.place = "ready";
    const type = entry.evaluation.type;
    const heap = this.#ready.get(type) ?? new Heap<Entry>(isBefore);
    this.#ready.set(type, heap);
    heap.push(entry);
  }

  #delay(entry: Entry, until: number): void {
    entry.place = "delayed";
    entry.deadline = until;
    this.#delayed.push(entry);
  }

  /** A heap keeps entries that were forgotten meanwhile; they are dropped when they surface. */
  #peek(type: string): Entry | undefined {
    const heap = this.#ready.get(type);
    for (let top = heap?.peek(); top !== undefined; top = heap?.peek()) {
      if (top.place === "ready" && this.#entries.get(top.evaluation.id) === top) return top;
      heap?.pop();
    }
    return undefined;
  }

  /** Hands the job over to the newest of those that waited; the others have nothing left to do. */
  #release(evaluation: Evaluation): void {
    const key = jobOf(evaluation);
    this.#busy.delete(key);
    const entries = [...(this.#waiting.get(key) ?? [])].map((id) => this.#entries.get(id));
    const waiting = entries.filter((entry) => entry !== undefined).sort(byNewest);
    this.#waiting.delete(key);
    const [next, ...rest] = waiting;
    for (const entry of rest) {
      this.#entries.delete(entry.evaluation.id);
      this.#superseded.push(entry.evaluation);
    }
    if (next !== undefined) this.#admit(next);
  }

  #giveBack(entry: Entry, now: number): void {
    entry.token = "";
    this.#leased.delete(entry);
    if (entry.attempts >= this.#options.deliveriesMax) {
      entry.place = "failed";
      this.#failed.add(entry);
      return;
    }
    const { firstNackDelayMs, nackDelayMs } = this.#options;
    const delay = entry.attempts === 1 ? firstNackDelayMs : nackDelayMs * (entry.attempts - 1);
    this.#delay(entry, now + delay);
  }
}

function newEntry(evaluation: Evaluation): Entry {
  return { evaluation, place: "waiting", attempts: 0, deadline: 0, token: "", again: false };
}

function jobOf(evaluation: Evaluation): string {
  return `${evaluation.namespace}\u0000${evaluation.jobId}`;
}

function isBefore(a: Entry, b: Entry): boolean {
  if (a.evaluation.priority !== b.evaluation.priority) {
    return a.evaluation.priority > b.evaluation.priority;
  }
  return a.evaluation.createIndex < b.evaluation.createIndex;
}

/** Of a job's waiting evaluations the one of highest priority runs, then the latest changed. */
function byNewest(a: Entry, b: Entry): number {
  return (
    b.evaluation.priority - a.evaluation.priority ||
    b.evaluation.modifyIndex - a.evaluation.modifyIndex
  );
}
