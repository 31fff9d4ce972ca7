/**
 * Clients whose writes must happen once: each has a session and asks again, at whatever member it
 * takes for the leader, until it has an answer. Answers get lost on their way to it, and while it
 * hesitates the cluster may forget its session.
 */
import type { ProposalSession, SessionId } from "../node/api.ts";
import { ClientSession } from "../node/client-session.ts";
import type { SimMember } from "./member.ts";
import type { WriteOperation } from "./oracle.ts";
import type { SimRandom } from "./random.ts";
import type { World } from "./world.ts";

/** What a proposal came to, as its client is told. */
export type Answer =
  | { readonly kind: "applied"; readonly index: number; readonly result: number }
  /** Nothing was written by this proposal, and nothing will be. */
  | { readonly kind: "refused" }
  /** Refused, and asking again is of no use. */
  | { readonly kind: "expired" }
  | { readonly kind: "unknown" };

/** What a member that keeps sessions offers; nothing is answered once it has crashed. */
export interface SessionHost {
  open(answered: (id: SessionId | null) => void): void;
  write(write: WriteOperation, session: ProposalSession, answered: (answer: Answer) => void): void;
}

const ATTEMPTS_MAX = 12;
const OPERATIONS_MAX = 2;

export class SessionClients {
  readonly #clients: readonly SessionClient[];

  constructor(world: World) {
    const random = world.random.fork("clients");
    this.#clients = Array.from(
      { length: world.scenario.sessions.clients },
      (_, i) => new SessionClient(world, random.fork(`${i}`)),
    );
  }

  start(): void {
    for (const client of this.#clients) client.start();
  }

  stop(): void {
    for (const client of this.#clients) client.stop();
  }
}

/** A write on its way. */
interface Attempted {
  readonly client: ClientSession;
  readonly write: WriteOperation;
  readonly session: ProposalSession;
  attempts: number;
  /** Attempts that may have written it. */
  open: number;
  over: boolean;
}

class SessionClient {
  readonly #world: World;
  readonly #random: SimRandom;
  #running = false;
  #session: ClientSession | null = null;
  #operations = 0;

  constructor(world: World, random: SimRandom) {
    this.#world = world;
    this.#random = random;
  }

  start(): void {
    this.#running = true;
    this.#next();
  }

  stop(): void {
    this.#running = false;
  }

  #next(): void {
    this.#after(this.#random.between(0, 2 * this.#world.scenario.sessions.everyMs), () => {
      if (this.#world.clock.now < this.#world.quietUntil) this.#world.trace.count("quiet");
      else if (this.#session === null) this.#open();
      else if (this.#operations < OPERATIONS_MAX) this.#begin(this.#session);
      this.#next();
    });
  }

  #open(): void {
    this.#someone()?.sessions?.open((id) => {
      if (id === null) return;
      this.#world.trace.note("session", id);
      this.#session = new ClientSession(id);
    });
  }

  #begin(client: ClientSession): void {
    const { oracle, scenario } = this.#world;
    const key = `k${this.#random.int(scenario.workload.keys)}`;
    const write = oracle.invokeWrite(key, true);
    this.#operations += 1;
    const session = client.next();
    this.#attempt({ client, write, session, attempts: 0, open: 0, over: false });
  }

  #attempt(operation: Attempted): void {
    const { trace } = this.#world;
    if (operation.attempts === ATTEMPTS_MAX) {
      if (operation.open === 0) operation.write.refused = true;
      this.#end(operation);
      return;
    }
    operation.attempts += 1;
    if (operation.attempts > 1) trace.count("session retry");
    this.#send(operation);
    // Now and then so long that others use up the room for sessions.
    const patienceMs = this.#random.chance(0.2)
      ? this.#random.between(200, 900)
      : this.#random.between(10, 250);
    this.#after(patienceMs, () => {
      if (!operation.over) this.#attempt(operation);
    });
  }

  /** A copy may still be on its way when another one has been answered. */
  #send(operation: Attempted): void {
    const member = this.#someone();
    if (member === undefined) return;
    operation.open += 1;
    const delayMs = this.#random.chance(0.1)
      ? this.#random.between(50, 500)
      : this.#random.between(0, 10);
    this.#world.clock.after(delayMs, () => {
      member.sessions?.write(operation.write, operation.session, (answer) => {
        if (!operation.over) this.#answered(operation, answer);
      });
    });
  }

  #answered(operation: Attempted, answer: Answer): void {
    const { oracle, trace } = this.#world;
    switch (answer.kind) {
      case "applied": {
        if (this.#random.chance(this.#world.scenario.sessions.answerLostChance)) {
          trace.count("session answer lost");
          return;
        }
        const { index, result } = answer;
        this.#world.guard(() => oracle.completeSessionWrite(operation.write, index, result));
        this.#end(operation);
        return;
      }
      case "refused":
        operation.open -= 1;
        return;
      case "expired":
        trace.count("session expired");
        operation.open -= 1;
        if (this.#session === operation.client) this.#session = null;
        if (operation.open === 0) operation.write.refused = true;
        this.#end(operation);
        return;
      case "unknown":
    }
  }

  #end(operation: Attempted): void {
    operation.over = true;
    operation.client.answered(operation.session.seq);
    this.#operations -= 1;
  }

  #someone(): SimMember | undefined {
    if (this.#world.clock.now < this.#world.quietUntil) return undefined;
    const leader = this.#world.leader()?.member;
    if (leader !== undefined && this.#random.chance(0.8)) return leader;
    const up = this.#world.up().filter((member) => !member.paused);
    return up.length === 0 ? undefined : this.#random.pick(up);
  }

  #after(ms: number, fn: () => void): void {
    this.#world.clock.after(ms, () => {
      if (this.#running) fn();
    });
  }
}
