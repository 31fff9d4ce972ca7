/** The log entries by which a decision about a drain is carried out (spec chapter 3 §3.14). */
import type { Random } from "@drover/base";
import type { DrainDecision } from "@drover/control";
import {
  type DesiredTransition,
  EvalTrigger,
  type Evaluation,
  isTerminal,
  type NodeEvent,
  type StateReader,
} from "@drover/model";
import type { CommandDraft } from "../context.ts";
import { evalForJob } from "./new-eval.ts";

interface Scope {
  readonly state: StateReader;
  readonly random: Random;
}

/** Marks what leaves the node now; null = nothing does. */
export function drainMarks(
  decision: Extract<DrainDecision, { readonly kind: "act" }>,
  scope: Scope,
): CommandDraft | null {
  const transitions: Record<string, Partial<DesiredTransition>> = {};
  for (const id of decision.migrate) transitions[id] = { migrate: true };
  for (const id of decision.stopWithoutPlacement) {
    transitions[id] = { migrate: true, migrateDisablePlacement: true };
  }
  const ids = Object.keys(transitions);
  return ids.length === 0 ? null : { tag: 8, transitions, evals: evalsOf(ids, scope) };
}

/** What was marked before and still waits for its replacement's images waits no longer. */
export function drainEnd(
  nodeId: string,
  told: { readonly deadlineReached: boolean; readonly event: NodeEvent | null },
  scope: Scope,
): CommandDraft {
  const waiting = scope.state
    .allocsByNode(nodeId)
    .filter((alloc) => alloc.desiredTransition.migrate === true && !isTerminal(alloc));
  return {
    tag: 12,
    nodeId,
    drain: null,
    markEligible: false,
    completed: true,
    deadlineReached: told.deadlineReached,
    meta: {},
    event: told.event,
    evals: evalsOf(
      waiting.map((alloc) => alloc.id),
      scope,
    ),
  };
}

function evalsOf(allocIds: readonly string[], { random, state }: Scope): Evaluation[] {
  const evals = new Map<string, Evaluation>();
  for (const id of allocIds) {
    const alloc = state.alloc(id);
    const job = alloc && state.job({ namespace: alloc.namespace, id: alloc.jobId });
    if (!job) continue;
    const key = `${job.namespace}\0${job.id}`;
    if (evals.has(key)) continue;
    evals.set(key, evalForJob(job, EvalTrigger.nodeDrain, random));
  }
  return [...evals.values()];
}
