/** Empties draining nodes a few allocations at a time (spec chapter 3 §3.14). */
import { decideDrain } from "@drover/control";
import type { Node } from "@drover/model";
import type { Applied, ServerContext } from "../context.ts";
import { unwrap } from "../operations/jobs.ts";
import { nodeEvent } from "../operations/nodes.ts";
import { drainEnd, drainMarks } from "./drain-commands.ts";
import { actOnEach, LeaderLoop, type LoopPass } from "./leader-loop.ts";
import type { OneAtATime } from "./one-at-a-time.ts";

export class DrainLoop {
  readonly #context: ServerContext;
  readonly #turns: OneAtATime;
  readonly #loop: LeaderLoop;

  constructor(context: ServerContext, turns: OneAtATime) {
    this.#context = context;
    this.#turns = turns;
    this.#loop = new LeaderLoop({ name: "drains", pass: () => this.#pass() }, context);
  }

  start(): void {
    this.#loop.start();
  }

  stop(): void {
    this.#loop.stop();
  }

  applied(applied: Applied): void {
    const relevant = applied.events.some((e) => e.topic === "Node" || e.topic === "Allocation");
    if (relevant) this.#loop.wake();
  }

  async #pass(): Promise<LoopPass> {
    let wakeAt: number | null = null;
    await actOnEach([...this.#context.store.snapshot().nodes()], async (node) => {
      if (node.drainStrategy === null) return;
      const at = await this.#turns.run(() => this.#drain(node));
      if (at !== null) wakeAt = wakeAt === null ? at : Math.min(wakeAt, at);
    });
    return { wakeAt };
  }

  async #drain(node: Node): Promise<number | null> {
    const state = this.#context.store.snapshot();
    const now = Math.max(this.#context.clock.now(), state.clock);
    const decision = decideDrain({ nodeId: node.id, now }, state);
    if (decision.kind === "none") return null;
    if (decision.kind === "wait") return decision.wakeAt;
    const { random } = this.#context;
    const marks = drainMarks(decision, { state, random });
    if (marks) unwrap(await this.#context.propose(marks));
    if (decision.completed) await this.#complete(node, decision.deadlineReached);
    return decision.wakeAt;
  }

  async #complete(node: Node, deadlineReached: boolean): Promise<void> {
    const details: Record<string, string> = deadlineReached ? { deadline_reached: "true" } : {};
    const state = this.#context.store.snapshot();
    const event = nodeEvent(this.#context, "Drain", "Node drain complete", details);
    const scope = { state, random: this.#context.random };
    unwrap(await this.#context.propose(drainEnd(node.id, { deadlineReached, event }, scope)));
  }
}
