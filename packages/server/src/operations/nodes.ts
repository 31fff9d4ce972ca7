/** What operators do to nodes, on the leader (spec chapter 8 §8.6). */
import { internal } from "@drover/api";
import { nanosToMs } from "@drover/base";
import {
  type DrainStrategy,
  Eligibility,
  EvalTrigger,
  type Evaluation,
  isTerminal,
  type Node,
  type NodeEvent,
} from "@drover/model";
import type { ServerContext } from "../context.ts";
import { evalsForNode } from "../leader/new-eval.ts";
import { unwrap } from "./jobs.ts";

export interface NodeWriteResult {
  readonly evalIds: readonly string[];
  readonly evalCreateIndex: number;
  readonly nodeModifyIndex: number;
  readonly index: number;
}

function nodeOf(context: ServerContext, id: string): Node {
  const node = context.store.snapshot().node(id);
  if (!node) throw internal("node not found");
  return node;
}

export function nodeEvent(
  context: ServerContext,
  subsystem: string,
  message: string,
  details: Record<string, string> = {},
): NodeEvent {
  return { message, subsystem, details, timestamp: context.clock.now(), createIndex: 0 };
}

function reply(evals: readonly Evaluation[], index: number, nodeIndex = index): NodeWriteResult {
  return {
    evalIds: evals.map((e) => e.id),
    evalCreateIndex: evals.length > 0 ? index : 0,
    nodeModifyIndex: nodeIndex,
    index,
  };
}

export async function drainNode(
  context: ServerContext,
  request: {
    readonly id: string;
    /** null ends the drain. `deadline` in ns: < 0 = force now, 0 = none. */
    readonly spec: { readonly deadline: number; readonly ignoreSystemJobs: boolean } | null;
    readonly markEligible: boolean;
    readonly meta: Readonly<Record<string, string>>;
    readonly token: string;
  },
): Promise<NodeWriteResult> {
  const node = nodeOf(context, request.id);
  const now = context.clock.now();
  const drain: DrainStrategy | null = request.spec
    ? {
        ...request.spec,
        forceDeadline: request.spec.deadline > 0 ? now + nanosToMs(request.spec.deadline) : 0,
        startedAt: node.drainStrategy?.startedAt || now,
      }
    : null;
  const becomesEligible =
    !drain && request.markEligible && node.schedulingEligibility === Eligibility.ineligible;
  const state = context.store.snapshot();
  // What waits for its replacement's images stays, and the replacement is not wanted any more.
  const isAwaited =
    !drain &&
    state
      .allocsByNode(node.id)
      .some((alloc) => alloc.desiredTransition.migrate === true && !isTerminal(alloc));
  const evals =
    becomesEligible || isAwaited
      ? evalsForNode(state, node.id, EvalTrigger.nodeUpdate, context.random)
      : [];
  const message = drain ? "Node drain strategy set" : "Node drain disabled";
  const result = unwrap(
    await context.propose({
      tag: 12,
      token: request.token,
      nodeId: node.id,
      drain,
      markEligible: request.markEligible,
      completed: false,
      deadlineReached: false,
      meta: request.meta,
      event: nodeEvent(context, "Drain", message),
      evals,
    }),
  );
  return reply(evals, result.index);
}

export async function setNodeEligibility(
  context: ServerContext,
  request: { readonly id: string; readonly eligibility: string; readonly token: string },
): Promise<NodeWriteResult> {
  const { eligibility } = request;
  if (eligibility !== Eligibility.eligible && eligibility !== Eligibility.ineligible) {
    throw internal(`invalid scheduling eligibility "${eligibility}"`);
  }
  const node = nodeOf(context, request.id);
  if (node.drainStrategy !== null && eligibility === Eligibility.eligible) {
    throw internal("can not set node's scheduling eligibility to eligible while it is draining");
  }
  const becomes = node.schedulingEligibility !== eligibility;
  const evals =
    becomes && eligibility === Eligibility.eligible
      ? evalsForNode(context.store.snapshot(), node.id, EvalTrigger.nodeUpdate, context.random)
      : [];
  const result = unwrap(
    await context.propose({
      tag: 13,
      token: request.token,
      nodeId: node.id,
      eligibility,
      event: becomes
        ? nodeEvent(context, "Cluster", `Node marked as ${eligibility} for scheduling`)
        : null,
      evals,
    }),
  );
  return reply(evals, result.index, 0);
}

export async function evaluateNode(
  context: ServerContext,
  request: { readonly id: string; readonly token: string },
): Promise<NodeWriteResult> {
  const node = nodeOf(context, request.id);
  const evals = evalsForNode(
    context.store.snapshot(),
    node.id,
    EvalTrigger.nodeUpdate,
    context.random,
  );
  if (evals.length === 0) return reply(evals, node.modifyIndex);
  const result = unwrap(await context.propose({ tag: 5, token: request.token, evals }));
  return reply(evals, result.index, node.modifyIndex);
}

export async function purgeNode(
  context: ServerContext,
  request: { readonly id: string; readonly token: string },
): Promise<NodeWriteResult> {
  const node = nodeOf(context, request.id);
  const evals = evalsForNode(
    context.store.snapshot(),
    node.id,
    EvalTrigger.nodeUpdate,
    context.random,
  );
  const result = unwrap(
    await context.propose({ tag: 10, token: request.token, nodeIds: [node.id], evals }),
  );
  return reply(evals, result.index);
}
