/** What nobody needs any more (spec chapter 9 §9.5). `force` takes every age for enough. */
import type { StateReader } from "@drover/model";
import {
  type GcScope,
  whyKeepAlloc,
  whyKeepDeployment,
  whyKeepEval,
  whyKeepJob,
  whyKeepNode,
} from "./why-kept.ts";

export interface GcDecision {
  readonly evals: readonly string[];
  readonly allocs: readonly string[];
  readonly deployments: readonly string[];
  readonly jobs: readonly { readonly namespace: string; readonly id: string }[];
  readonly nodes: readonly string[];
}

/** Per kind and pass: the log entry stays small, the rest is collected next time. */
const IDS_MAX = 4_000;

export function decideGc(
  state: StateReader,
  options: { readonly now: number; readonly force: boolean },
): GcDecision {
  const scope: GcScope = { state, ...options };
  const jobs = [...state.jobs()].filter((job) => whyKeepJob(job, scope) === null);
  const going = jobs.slice(0, IDS_MAX).map(({ namespace, id }) => ({ namespace, id }));
  const goingKeys = new Set(going.map(keyOf));
  const scopeOf = (of: { readonly namespace: string; readonly jobId: string }) => {
    const isJobGoing = goingKeys.has(keyOf({ namespace: of.namespace, id: of.jobId }));
    return { ...scope, isJobGoing };
  };
  const allocs = new Set<string>();
  const evals: string[] = [];
  for (const evaluation of state.evaluations()) {
    if (evals.length >= IDS_MAX || allocs.size >= IDS_MAX) break;
    if (whyKeepEval(evaluation, scopeOf(evaluation)) !== null) continue;
    evals.push(evaluation.id);
    for (const alloc of state.allocsByEval(evaluation.id)) allocs.add(alloc.id);
  }
  for (const alloc of state.allocs()) {
    if (allocs.size >= IDS_MAX) break;
    const isOrphan = state.evaluation(alloc.evalId) === undefined;
    if (isOrphan && whyKeepAlloc(alloc, scopeOf(alloc)) === null) allocs.add(alloc.id);
  }
  return {
    evals,
    allocs: [...allocs],
    deployments: idsOf(state.deployments(), (each) => whyKeepDeployment(each, scope) === null),
    jobs: going,
    nodes: idsOf(
      state.nodes(),
      (node) => whyKeepNode(node, scope, (alloc) => allocs.has(alloc.id)) === null,
    ),
  };
}

function keyOf({ id, namespace }: { readonly namespace: string; readonly id: string }): string {
  return `${namespace}\u0000${id}`;
}

function idsOf<T extends { readonly id: string }>(
  items: Iterable<T>,
  isWanted: (item: T) => boolean,
): string[] {
  return [...items]
    .filter(isWanted)
    .slice(0, IDS_MAX)
    .map((item) => item.id);
}
