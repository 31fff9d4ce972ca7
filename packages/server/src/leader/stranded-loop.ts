/**
 * The evaluations of a node's change are made before its entry is written, and so is a plan that
 * places on it: neither may have known of the other, and nobody would look. This loop asks for that
 * look, at what was placed on a node that was given up meanwhile, and for the jobs that a node's
 * change concerns and that were not named with it.
 *
 * NOTE: applying the entry could make them from the very state that it changes, and nothing would
 * be left to mend. But the state machine makes no ids (DESIGN §6), and how many evaluations there
 * will be is known only then: five commands and the plan would derive ids of their own, beside the
 * lists that they carry now and that logs of versions 1 and 2 go on needing. One loop that reads
 * what was written, and writes nothing where nothing was missed, is less than that.
 */
import type { Random } from "@drover/base";
import {
  type Allocation,
  ClientStatus,
  DesiredStatus,
  EvalStatus,
  EvalTrigger,
  type Evaluation,
  isNodeGone,
  type Node,
  type StateReader,
} from "@drover/model";
import { type Command, CommandTag } from "@drover/state";
import type { Applied, ServerContext } from "../context.ts";
import { unwrap } from "../operations/jobs.ts";
import { LeaderLoop, type LoopPass } from "./leader-loop.ts";
import { evalForJob, evalsForNode } from "./new-eval.ts";

/** It waits for a client that will not start it. */
export function isStranded(state: StateReader, alloc: Allocation): boolean {
  if (alloc.desiredStatus !== DesiredStatus.run) return false;
  if (alloc.clientStatus !== ClientStatus.pending) return false;
  return isNodeGone(state.node(alloc.nodeId));
}

/**
 * One per job, for those of the allocations that are stranded and not looked at anyway. `since`: the
 * entry from which an allocation is; what was asked for before may have been decided already.
 */
export function strandedEvals(
  state: StateReader,
  allocs: Iterable<Allocation>,
  random: Random,
  since: (alloc: Allocation) => number = () => 0,
): Evaluation[] {
  const evals = new Map<string, Evaluation>();
  for (const alloc of allocs) {
    if (!isStranded(state, alloc)) continue;
    const ref = { namespace: alloc.namespace, id: alloc.jobId };
    const job = state.job(ref);
    const isAwaited = state
      .evalsByJob(ref)
      .some(
        ({ createIndex, status, waitUntil }) =>
          status === EvalStatus.pending && waitUntil === 0 && createIndex >= since(alloc),
      );
    if (!job || isAwaited) continue;
    const nodeId = alloc.nodeId;
    const evaluation = evalForJob(job, EvalTrigger.nodeUpdate, random, { nodeId });
    evals.set(jobOf(evaluation), evaluation);
  }
  return [...evals.values()];
}

function jobOf({ namespace, jobId }: Evaluation): string {
  return `${namespace}\0${jobId}`;
}

/** The jobs that were asked for with a node's change; null = it is none that concerns all of them. */
function namedWith(command: Command, node: Node, index: number): ReadonlySet<string> | null {
  switch (command.tag) {
    case CommandTag.nodeStatus:
    case CommandTag.nodeDeregister:
      break;
    case CommandTag.nodeRegister:
      if (node.createIndex === index) break;
      if (command.evals.length === 0) return null;
      break;
    case CommandTag.nodeDrain:
    case CommandTag.nodeEligibility:
      // A drain that is complete asks for what still waits, and for nothing else.
      if (command.evals.length === 0 || ("completed" in command && command.completed)) return null;
      break;
    default:
      return null;
  }
  return new Set(command.evals.map(jobOf));
}

export class StrandedLoop {
  readonly #context: ServerContext;
  readonly #loop: LeaderLoop;
  /** Allocations that were seen stranded, and in which entry. */
  readonly #seen = new Map<string, number>();
  /** Nodes that have changed, and the jobs that were named with that. */
  readonly #changed = new Map<string, ReadonlySet<string>>();
  #leading = false;

  constructor(context: ServerContext) {
    this.#context = context;
    this.#loop = new LeaderLoop({ name: "stranded", pass: () => this.#pass() }, context);
  }

  start(): void {
    this.#leading = true;
    this.#seen.clear();
    this.#changed.clear();
    const state = this.#context.store.snapshot();
    // Nothing has been decided yet: whatever is pending will see it.
    for (const alloc of state.allocs()) if (isStranded(state, alloc)) this.#seen.set(alloc.id, 0);
    this.#loop.start();
  }

  stop(): void {
    this.#leading = false;
    this.#loop.stop();
  }

  applied({ command, events, index }: Applied): void {
    if (!this.#leading) return;
    const state = this.#context.store.snapshot();
    for (const event of events) {
      if (event.topic === "Allocation") {
        const alloc = event.payload as Allocation;
        if (isStranded(state, alloc)) this.#seen.set(alloc.id, index);
      } else if (event.topic === "Node") {
        const node = event.payload as Node;
        const named = namedWith(command, node, index);
        if (named) this.#changed.set(node.id, named);
      }
    }
    if (this.#seen.size > 0 || this.#changed.size > 0) this.#loop.wake();
  }

  async #pass(): Promise<LoopPass> {
    const { random, store } = this.#context;
    const state = store.snapshot();
    const seen = new Map(this.#seen);
    const changed = new Map(this.#changed);
    const allocs = [...seen.keys()]
      .map((id) => state.alloc(id))
      .filter((alloc) => alloc !== undefined);
    const evals = new Map<string, Evaluation>();
    for (const each of strandedEvals(state, allocs, random, ({ id }) => seen.get(id) ?? 0)) {
      evals.set(jobOf(each), each);
    }
    for (const [nodeId, named] of changed) {
      for (const each of evalsForNode(state, nodeId, EvalTrigger.nodeUpdate, random)) {
        if (!named.has(jobOf(each))) evals.set(jobOf(each), each);
      }
    }
    if (evals.size > 0) {
      unwrap(await this.#context.propose({ tag: 5, evals: [...evals.values()] }));
    }
    for (const [id, index] of seen) if (this.#seen.get(id) === index) this.#seen.delete(id);
    for (const [id, named] of changed) {
      if (this.#changed.get(id) === named) this.#changed.delete(id);
    }
    return { wakeAt: null };
  }
}
