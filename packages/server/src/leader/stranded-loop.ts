/**
 * A plan may be written after the node that it places on was given up: the node's own evaluations
 * did not know of it, and nobody would look at what it placed there. This loop asks for that look.
 */
import type { Random } from "@drover/base";
import {
  type Allocation,
  ClientStatus,
  DesiredStatus,
  EvalStatus,
  EvalTrigger,
  type Evaluation,
  type Node,
  NodeStatus,
  type StateReader,
} from "@drover/model";
import type { Applied, ServerContext } from "../context.ts";
import { unwrap } from "../operations/jobs.ts";
import { LeaderLoop, type LoopPass } from "./leader-loop.ts";
import { evalForJob } from "./new-eval.ts";

/** It waits for a client that will not start it. */
export function isStranded(state: StateReader, alloc: Allocation): boolean {
  if (alloc.desiredStatus !== DesiredStatus.run) return false;
  if (alloc.clientStatus !== ClientStatus.pending) return false;
  const status = state.node(alloc.nodeId)?.status ?? NodeStatus.down;
  return status === NodeStatus.down || status === NodeStatus.disconnected;
}

/** One per job, for those of the allocations that are stranded and not looked at anyway. */
export function strandedEvals(
  state: StateReader,
  allocs: Iterable<Allocation>,
  random: Random,
): Evaluation[] {
  const evals = new Map<string, Evaluation>();
  for (const alloc of allocs) {
    if (!isStranded(state, alloc)) continue;
    const ref = { namespace: alloc.namespace, id: alloc.jobId };
    const job = state.job(ref);
    const isAwaited = state
      .evalsByJob(ref)
      .some((each) => each.status === EvalStatus.pending && each.waitUntil === 0);
    if (!job || isAwaited) continue;
    const nodeId = alloc.nodeId;
    const evaluation = evalForJob(job, EvalTrigger.nodeUpdate, random, { nodeId });
    evals.set(`${job.namespace}\0${job.id}`, evaluation);
  }
  return [...evals.values()];
}

export class StrandedLoop {
  readonly #context: ServerContext;
  readonly #loop: LeaderLoop;
  /** Ids of those that were seen stranded. */
  readonly #seen = new Set<string>();
  #leading = false;

  constructor(context: ServerContext) {
    this.#context = context;
    this.#loop = new LeaderLoop({ name: "stranded", pass: () => this.#pass() }, context);
  }

  start(): void {
    this.#leading = true;
    this.#seen.clear();
    const state = this.#context.store.snapshot();
    for (const alloc of state.allocs()) if (isStranded(state, alloc)) this.#seen.add(alloc.id);
    this.#loop.start();
  }

  stop(): void {
    this.#leading = false;
    this.#loop.stop();
  }

  applied(applied: Applied): void {
    if (!this.#leading) return;
    const state = this.#context.store.snapshot();
    for (const event of applied.events) {
      if (event.topic === "Allocation") this.#look(state, [event.payload as Allocation]);
      // Whoever gives it up may not have seen all that was on its way there.
      else if (event.topic === "Node") {
        const { id, status } = event.payload as Node;
        if (status !== NodeStatus.ready) this.#look(state, state.holdersByNode(id));
      }
    }
  }

  #look(state: StateReader, allocs: readonly Allocation[]): void {
    for (const alloc of allocs) {
      if (!isStranded(state, alloc)) continue;
      this.#seen.add(alloc.id);
      this.#loop.wake();
    }
  }

  async #pass(): Promise<LoopPass> {
    const state = this.#context.store.snapshot();
    const ids = [...this.#seen];
    const allocs = ids.map((id) => state.alloc(id)).filter((alloc) => alloc !== undefined);
    const evals = strandedEvals(state, allocs, this.#context.random);
    if (evals.length > 0) unwrap(await this.#context.propose({ tag: 5, evals }));
    for (const id of ids) this.#seen.delete(id);
    return { wakeAt: null };
  }
}
