/**
 * Clients that read, write, and compare and set registers, through any member, knowing what clients
 * may know: an answer, a refusal that nothing came of, or nothing.
 */
import type { SimRandom } from "../sim/random.ts";
import { MemberFailure } from "../testing/member-handle.ts";
import type { RegisterCommand, RegisterStep } from "../testing/register-store.ts";
import type { RealCluster, RealMember } from "./cluster.ts";
import type { History } from "./history.ts";
import { NoAnswer, Stop, sleep, within } from "./pauses.ts";

const CLIENTS = 12;
const PAUSE_MS = 6;
const ANSWER_MS = 1_500;
/** A client stays with the member that answered, and now and then looks elsewhere. */
const STRAY_CHANCE = 0.02;
/** For an answer that is on its way. */
const GRACE_MS = 300;
const ASK_AGAIN_MS = 25;
/** Each register for so many operations: whether a long history has an order is hard to say. */
const KEYS = 4;
const OPERATIONS_PER_KEY = 120;

/** Codes of answers that promise that nothing was written. */
const REFUSALS: ReadonlySet<string> = new Set(["not-leader", "dropped", "refused", "gone"]);

type Outcome = { readonly member: RealMember } & (
  | { readonly kind: "done"; readonly index: number; readonly happened: boolean }
  | { readonly kind: "refused" | "unknown" }
);

export class Clients {
  readonly #cluster: RealCluster;
  readonly #history: History;
  readonly #random: SimRandom;
  readonly #stop = new Stop();
  #running: Promise<unknown> = Promise.resolve();
  #serial = 0;
  #begun = 0;

  constructor(cluster: RealCluster, history: History, random: SimRandom) {
    this.#cluster = cluster;
    this.#history = history;
    this.#random = random;
  }

  start(): void {
    const clients = Array.from({ length: CLIENTS }, (_, i) => this.#client(i));
    this.#running = Promise.all(clients);
  }

  /** Resolves when all have their answers. */
  async stop(): Promise<void> {
    this.#stop.stop();
    await this.#running;
  }

  /** One more write, until somebody takes it; returns its index. */
  async writeLast(timeoutMs: number): Promise<number> {
    const deadline = performance.now() + timeoutMs;
    while (performance.now() < deadline) {
      const member = this.#random.pick(this.#cluster.members);
      const outcome = await this.#command(this.#keyNow(), null, member, this.#random);
      if (outcome.kind === "done") return outcome.index;
    }
    throw new Error(`${timeoutMs} ms after everything was healed nobody had taken a write`);
  }

  /** The last registers as every member sees them. */
  async readAll(): Promise<void> {
    for (const member of this.#cluster.members) {
      for (let i = 0; i < KEYS; i += 1) await this.#read(`${this.#generation()}.${i}`, member);
    }
  }

  async #client(number: number): Promise<void> {
    const random = this.#random.fork(`client ${number}`);
    const { members } = this.#cluster;
    const seen = new Map<string, number>();
    let member = random.pick(members);
    while (!this.#stop.stopped) {
      await this.#stop.sleep(random.between(0, 2 * PAUSE_MS));
      const key = this.#keyNow(random);
      const dice = random.float();
      if (dice < 0.4) {
        const value = await this.#read(key, member);
        if (value === null) member = random.pick(members);
        else seen.set(key, value);
      } else {
        const expected = dice < 0.7 ? null : (seen.get(key) ?? 0);
        const outcome = await this.#command(key, expected, member, random);
        member = outcome.member;
      }
      if (seen.size > 2 * KEYS) seen.clear();
      if (random.chance(STRAY_CHANCE)) member = random.pick(members);
    }
  }

  #generation(): number {
    return Math.floor(this.#begun / (KEYS * OPERATIONS_PER_KEY));
  }

  #keyNow(random: SimRandom = this.#random): string {
    this.#begun += 1;
    return `${this.#generation()}.${random.int(KEYS)}`;
  }

  /** null: no answer. */
  async #read(key: string, member: RealMember): Promise<number | null> {
    const invokedAt = performance.now();
    const asked = member.handle.call("read", { key, timeoutMs: ANSWER_MS });
    try {
      const value = await within(ANSWER_MS + GRACE_MS, asked);
      this.#history.reads += 1;
      const read = { kind: "read", key, value, expected: 0, happened: true } as const;
      this.#history.steps.push({ ...read, invokedAt, completedAt: performance.now() });
      return value;
    } catch (error) {
      if (error instanceof NoAnswer || error instanceof MemberFailure) return null;
      throw error;
    }
  }

  async #command(
    key: string,
    expected: number | null,
    first: RealMember,
    random: SimRandom,
  ): Promise<Outcome> {
    this.#serial += 1;
    const command = { key, expected, serial: this.#serial };
    const issued = { index: 0, happened: false };
    this.#history.issued.set(command.serial, issued);
    const invokedAt = performance.now();
    const outcome = await this.#ask(command, first, random);
    if (outcome.kind === "refused") {
      this.#history.refused += 1;
      // Found in somebody's log, it is from nowhere.
      this.#history.issued.delete(command.serial);
      return outcome;
    }
    const isKnown = outcome.kind === "done";
    const step: RegisterStep = {
      kind: expected === null ? "write" : "swap",
      key,
      value: command.serial,
      expected: expected ?? 0,
      happened: isKnown ? outcome.happened : null,
      invokedAt,
      completedAt: isKnown ? performance.now() : Number.POSITIVE_INFINITY,
    };
    this.#history.steps.push(step);
    if (isKnown) {
      this.#history.acknowledged += 1;
      issued.index = outcome.index;
      issued.happened = outcome.happened;
    } else this.#history.unknown += 1;
    return outcome;
  }

  /** One member after the other, as long as they refuse; `member` is the one to ask next time. */
  async #ask(command: RegisterCommand, first: RealMember, random: SimRandom): Promise<Outcome> {
    const { members } = this.#cluster;
    const deadline = performance.now() + ANSWER_MS;
    for (let member = first; ; member = random.pick(members)) {
      const timeoutMs = deadline - performance.now();
      if (timeoutMs <= 0) return { kind: "refused", member };
      try {
        const asked = member.handle.call("command", { command, timeoutMs });
        const { index, outcome } = await within(timeoutMs + GRACE_MS, asked);
        return { kind: "done", index, happened: outcome === 1, member };
      } catch (error) {
        if (!(error instanceof NoAnswer || error instanceof MemberFailure)) throw error;
        const isRefusal = error instanceof MemberFailure && REFUSALS.has(error.code);
        if (!isRefusal) return { kind: "unknown", member: random.pick(members) };
        await sleep(random.between(0, ASK_AGAIN_MS));
      }
    }
  }
}
