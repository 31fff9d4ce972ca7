/** Empties draining nodes a few allocations at a time (spec chapter 3 §3.14). */
import { decideDrain } from "@drover/control";
import {
  type DesiredTransition,
  EvalTrigger,
  type Evaluation,
  isTerminal,
  type Node,
} from "@drover/model";
import type { Applied, ServerContext } from "../context.ts";
import { unwrap } from "../operations/jobs.ts";
import { nodeEvent } from "../operations/nodes.ts";
import { actOnEach, LeaderLoop, type LoopPass } from "./leader-loop.ts";
import { evalForJob } from "./new-eval.ts";

export class DrainLoop {
  readonly #context: ServerContext;
  readonly #loop: LeaderLoop;

  constructor(context: ServerContext) {
    this.#context = context;
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
      const at = await this.#drain(node);
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
    const transitions: Record<string, Partial<DesiredTransition>> = {};
    for (const id of decision.migrate) transitions[id] = { migrate: true };
    for (const id of decision.stopWithoutPlacement) {
      transitions[id] = { migrate: true, migrateDisablePlacement: true };
    }
    if (Object.keys(transitions).length > 0) {
      const evals = this.#evals(Object.keys(transitions));
      unwrap(await this.#context.propose({ tag: 8, transitions, evals }));
    }
    if (decision.completed) await this.#complete(node, decision.deadlineReached);
    return decision.wakeAt;
  }

  #evals(allocIds: readonly string[]): Evaluation[] {
    const state = this.#context.store.snapshot();
    const evals = new Map<string, Evaluation>();
    for (const id of allocIds) {
      const alloc = state.alloc(id);
      const job = alloc && state.job({ namespace: alloc.namespace, id: alloc.jobId });
      if (!job) continue;
      const key = `${job.namespace}\0${job.id}`;
      if (evals.has(key)) continue;
      evals.set(key, evalForJob(job, EvalTrigger.nodeDrain, this.#context.random));
    }
    return [...evals.values()];
  }

  async #complete(node: Node, deadlineReached: boolean): Promise<void> {
    const details: Record<string, string> = deadlineReached ? { deadline_reached: "true" } : {};
    const state = this.#context.store.snapshot();
    // What was marked before and still waits for its replacement's images waits no longer.
    const waiting = state
      .allocsByNode(node.id)
      .filter((alloc) => alloc.desiredTransition.migrate === true && !isTerminal(alloc));
    unwrap(
      await this.#context.propose({
        tag: 12,
        nodeId: node.id,
        drain: null,
        markEligible: false,
        completed: true,
        deadlineReached,
        meta: {},
        event: nodeEvent(this.#context, "Drain", "Node drain complete", details),
        evals: this.#evals(waiting.map((alloc) => alloc.id)),
      }),
    );
  }
}
