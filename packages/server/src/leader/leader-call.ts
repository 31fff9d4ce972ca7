/**
 * Work that only the leader does, asked for by whichever server holds a client's session: run here
 * when we lead, else sent to the leader. A lost answer is asked again with the same token, so the
 * outcome is applied once (DESIGN §3).
 */
import { assert, DroverError } from "@drover/base";
import { ANSWERS_KEPT_MS } from "@drover/state";
import type { PeerPool, RpcRouter } from "@drover/wire";
import type { ServerContext } from "../context.ts";

const METHOD = "leader.call";
const ATTEMPT_TIMEOUT_MS = 10_000;
const WAIT_FOR_LEADER_MS = 15_000;
assert(
  WAIT_FOR_LEADER_MS + ATTEMPT_TIMEOUT_MS < ANSWERS_KEPT_MS,
  "the last attempt comes while the first one's answer is remembered",
);

export interface LeaderCallRequest {
  readonly op: string;
  readonly payload: unknown;
  readonly token: string;
}

export type LeaderOperation = (payload: never, token: string) => Promise<unknown>;

export class LeaderCalls {
  readonly #context: ServerContext;
  readonly #peers: PeerPool;
  readonly #operations = new Map<string, LeaderOperation>();

  constructor(context: ServerContext, peers: PeerPool, router: RpcRouter) {
    this.#context = context;
    this.#peers = peers;
    router.handle(METHOD, (payload) => this.#runHere(payload as LeaderCallRequest));
  }

  register(op: string, run: LeaderOperation): void {
    this.#operations.set(op, run);
  }

  async call<A>(op: string, payload: unknown, token: string): Promise<A> {
    const deadline = this.#context.wall.now() + WAIT_FOR_LEADER_MS;
    const request: LeaderCallRequest = { op, payload, token };
    for (;;) {
      try {
        return (await this.#attempt(request)) as A;
      } catch (error) {
        const retry = error instanceof DroverError && error.retryable;
        if (!retry || this.#context.wall.now() >= deadline) throw error;
        await this.#leadershipChange(200);
      }
    }
  }

  async #attempt(request: LeaderCallRequest): Promise<unknown> {
    const leadership = this.#context.engine.leadership();
    if (leadership.self) return await this.#runHere(request);
    if (leadership.leaderAddress === "") {
      throw new DroverError("no-leader", "No cluster leader", { retryable: true });
    }
    const peer = await this.#peers.get(leadership.leaderAddress);
    return await peer.call(METHOD, request, { timeoutMs: ATTEMPT_TIMEOUT_MS });
  }

  async #runHere(request: LeaderCallRequest): Promise<unknown> {
    if (!this.#context.engine.leadership().self) {
      throw new DroverError("not-leader", "this server is not the leader", { retryable: true });
    }
    const run = this.#operations.get(request.op);
    if (!run) throw new DroverError("unknown-operation", `unknown operation ${request.op}`);
    return await run(request.payload as never, request.token);
  }

  /** Resolves at the next change of leadership, or after `maxMs`. */
  #leadershipChange(maxMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        cancel();
        off();
        resolve();
      };
      const cancel = this.#context.wall.setTimer(this.#context.wall.now() + maxMs, done);
      const off = this.#context.engine.onLeadership(done);
    });
  }
}
