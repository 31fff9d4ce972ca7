/** Why an evaluation has not been worked on, as far as the state shows (DESIGN §12.6). */
import {
  type AllocMetric,
  CAPACITY,
  CLASS_INELIGIBLE,
  EvalStatus,
  EvalTrigger,
  type Evaluation,
  isClientTerminal,
  isNodeReady,
  isServerTerminal,
  type Job,
  LEADER,
  type Node,
  NodeStatus,
  OPERATOR,
  type Reason,
  Rule,
  type StateReader,
  type Subject,
  subjectOf,
  waitsFor,
  waitsUntil,
} from "@drover/model";
import type { Entry, Place } from "./entry.ts";

/** So many nodes that take nothing new are named. */
const UNAVAILABLE_MAX = 10;

/** null = it has ended. */
export function whyEval(state: StateReader, evaluation: Evaluation, now: number): Reason | null {
  switch (evaluation.status) {
    case EvalStatus.pending:
      return whyPending(state, evaluation, now);
    case EvalStatus.blocked:
      return whyBlocked(state, evaluation);
    default:
      return null;
  }
}

function whyPending(state: StateReader, evaluation: Evaluation, now: number): Reason {
  const subject = subjectOf.evaluation(evaluation);
  const since = evaluation.createTime || null;
  if (state.schedulerConfig().pauseEvalBroker) {
    const text = "the scheduler is paused: no evaluation is worked on";
    const hint = "drover operator scheduler set-config -pause-eval-broker=false";
    return waitsFor({ rule: Rule.schedulerPaused, subject, text, since, hint }, OPERATOR);
  }
  if (evaluation.waitUntil > now) return delayed(evaluation);
  const rival = state
    .evalsByJob({ namespace: evaluation.namespace, id: evaluation.jobId })
    .find((each) => isAhead(each, evaluation, now));
  if (rival) return behind(evaluation, rival);
  const text = "it is next for its job: the leader works on it";
  return waitsFor({ rule: Rule.evalReady, subject, text, since }, LEADER);
}

function isAhead(each: Evaluation, evaluation: Evaluation, now: number): boolean {
  return (
    each.status === EvalStatus.pending &&
    each.waitUntil <= now &&
    each.id !== evaluation.id &&
    (each.createIndex < evaluation.createIndex ||
      (each.createIndex === evaluation.createIndex && each.id < evaluation.id))
  );
}

function delayed(evaluation: Evaluation): Reason {
  return waitsUntil(evaluation.waitUntil, {
    rule: Rule.evalDelayed,
    subject: subjectOf.evaluation(evaluation),
    text: `its time has not come (${evaluation.statusDescription || evaluation.triggeredBy})`,
    since: evaluation.createTime || null,
    evidence: { triggeredBy: evaluation.triggeredBy },
  });
}

/** One evaluation of a job at a time. */
function behind(evaluation: Evaluation, rival: Evaluation): Reason {
  return waitsFor(
    {
      rule: Rule.evalBehind,
      subject: subjectOf.evaluation(evaluation),
      text: "another evaluation of the same job comes first",
      since: evaluation.createTime || null,
    },
    subjectOf.evaluation(rival),
  );
}

type Placed = Pick<Entry, "evaluation" | "place" | "attempts" | "deadline">;
type Tell = (entry: Placed, busy: Evaluation | null) => Reason;

/** For each place in the leader's broker; a place without a reason does not compile. */
const TELL: Readonly<Record<Place, Tell>> = {
  ready: ({ evaluation }) =>
    waitsFor(
      { ...toldOf(evaluation), rule: Rule.evalReady, text: "it waits for those before it" },
      LEADER,
    ),
  waiting: ({ evaluation }, busy) => behind(evaluation, busy ?? evaluation),
  delayed: (entry) => (entry.attempts === 0 ? delayed(entry.evaluation) : failing(entry)),
  leased: ({ attempts, deadline, evaluation }) =>
    waitsFor(
      {
        ...toldOf(evaluation),
        rule: Rule.evalLeased,
        text: "it is being worked on",
        wakesAt: deadline,
        evidence: { attempt: String(attempts) },
      },
      LEADER,
    ),
  failed: failing,
};

/** `busy`: the evaluation of the same job that goes first. */
export function whyPlaced(entry: Placed, busy: Evaluation | null): Reason {
  return TELL[entry.place](entry, busy);
}

/** It could not be carried out, and is tried again or given up. */
function failing({ attempts, deadline, evaluation }: Placed): Reason {
  return waitsFor(
    {
      ...toldOf(evaluation),
      rule: Rule.evalFailing,
      text: "working on it failed: it is tried again, or given up after the last attempt",
      wakesAt: deadline,
      evidence: { attempts: String(attempts) },
      hint: "look into the leader's log",
    },
    LEADER,
  );
}

function toldOf(evaluation: Evaluation) {
  return { subject: subjectOf.evaluation(evaluation), since: evaluation.createTime || null };
}

/** Blocked: the groups that found no place, and for want of what. */
export function whyBlocked(
  state: StateReader,
  evaluation: Evaluation,
  retryAt: number | null = null,
): Reason {
  const subject = subjectOf.evaluation(evaluation);
  const since = evaluation.createTime || null;
  if (evaluation.triggeredBy === EvalTrigger.maxPlanAttempts) {
    const text =
      "the places that it chose were taken meanwhile, again and again: it is tried once more";
    const told = { rule: Rule.evalPlanConflict, subject, text, since, wakesAt: retryAt };
    return waitsFor(told, LEADER);
  }
  const failed = Object.entries(evaluation.failedTgAllocs);
  const shortages = failed.map(([name, metric]) => [name, shortage(metric)]);
  const lines = failed.map(
    ([name, metric]) => `group "${name}" (${metric.coalescedFailures + 1}): ${shortage(metric)}`,
  );
  const job = state.job({ namespace: evaluation.namespace, id: evaluation.jobId });
  const away = job ? unavailableNodes(state, job) : [];
  const unavailable = away.map((node) => `${node.name} (${stateOf(node)})`).join(", ");
  const classes = classesOf(evaluation);
  const metrics = Object.values(evaluation.failedTgAllocs);
  const elsewhere = job && away.length === 0 ? whereNodesAre(state, job, metrics) : {};
  const evidence = {
    ...Object.fromEntries(shortages),
    ...elsewhere,
    ...(classes === "" ? {} : { "kinds of node": classes }),
    ...(unavailable === "" ? {} : { "not available": unavailable }),
  };
  const text = `no place for ${lines.join("; ") || "some of its allocations"}`;
  const told = { rule: Rule.evalNoCapacity, subject, text, since, evidence };
  const [holder, ...holders] = job ? stoppingPortHolders(state, job, evaluation) : [];
  if (holder) return waitsFor(told, holder, ...holders);
  const hint =
    Object.keys(elsewhere).length === 0
      ? capacityHint(metrics)
      : "change the job's datacenters or node_pool, or add a node that is in these";
  return waitsFor(
    { ...told, hint: [hint, ...away.flatMap(openHint).slice(0, 1)].join("; ") },
    CAPACITY,
  );
}

/** What a person may do about what was missing. */
export function capacityHint(metrics: readonly AllocMetric[]): string {
  const isFull = metrics.some((each) => Object.keys(each.dimensionExhausted).length > 0);
  if (isFull) return "add or free a node with what is missing, or ask for less";
  const filtered = metrics.flatMap((each) => Object.keys(each.constraintFiltered));
  // Nobody wrote this one: a service without a provider implies it.
  if (filtered.some((each) => each.includes("attr.consul.version"))) {
    return 'give the agents a Consul (-consul-address), or its services provider = "nomad"';
  }
  return filtered.length > 0
    ? "add a node that the job's constraints allow, or change these"
    : "add a node that takes new allocations";
}

/** Where the job may run and where the nodes are, when none of them is where it may. */
function whereNodesAre(
  state: StateReader,
  job: Job,
  metrics: readonly AllocMetric[],
): Readonly<Record<string, string>> {
  if (metrics.length === 0 || metrics.some((each) => each.nodesInPool > 0)) return {};
  const ready = [...state.nodes()].filter(isNodeReady);
  if (ready.length === 0) return {};
  const place = (datacenters: string, pool: string) =>
    `datacenter ${datacenters} of pool "${pool}"`;
  const places = new Set(ready.map((node) => place(`"${node.datacenter}"`, node.nodePool)));
  return {
    "allowed by the job": place(job.datacenters.map((dc) => `"${dc}"`).join(", "), job.nodePool),
    "nodes are in": [...places].slice(0, UNAVAILABLE_MAX).join("; "),
  };
}

/** How a node that takes nothing new takes some again. */
function openHint(node: Node): string[] {
  if (node.status !== NodeStatus.ready) return [];
  const undo =
    node.drainStrategy === null
      ? `drover node eligibility -enable ${node.id}`
      : `drover node drain -disable ${node.id}`;
  return [`or let node "${node.name}" take some again: ${undo}`];
}

/** Nodes of the job's pool that take nothing new. */
function unavailableNodes(state: StateReader, { nodePool }: Job): Node[] {
  return [...state.nodes()]
    .filter((node) => (nodePool === "all" || node.nodePool === nodePool) && !isNodeReady(node))
    .slice(0, UNAVAILABLE_MAX);
}

function stateOf({ drainStrategy, schedulingEligibility, status }: Node): string {
  if (status !== NodeStatus.ready) return status;
  return drainStrategy === null ? schedulingEligibility : "draining";
}

/** Allocations that were told to stop and hold a static port that a group without a place wants. */
function stoppingPortHolders(state: StateReader, job: Job, evaluation: Evaluation): Subject[] {
  const wanted = new Set(
    job.taskGroups
      .filter(({ name }) => collidesOnPorts(evaluation.failedTgAllocs[name]))
      .flatMap((group) => [group.networks, ...group.tasks.map((task) => task.resources.networks)])
      .flat()
      .flatMap(({ reservedPorts }) => reservedPorts.map(({ value }) => value)),
  );
  if (wanted.size === 0) return [];
  return [...state.allocs()]
    .filter((alloc) => isServerTerminal(alloc) && !isClientTerminal(alloc))
    .filter((alloc) => alloc.allocatedResources.shared.ports.some((p) => wanted.has(p.value)))
    .map(subjectOf.allocation);
}

function collidesOnPorts(metric: AllocMetric | undefined): boolean {
  const exhausted = Object.keys(metric?.dimensionExhausted ?? {});
  return exhausted.some((dimension) => dimension.startsWith("network: reserved port collision"));
}

/** Which classes of nodes were found to fit were they free. */
function classesOf(evaluation: Evaluation): string {
  if (evaluation.escapedComputedClass) return "";
  const all = Object.values(evaluation.classEligibility);
  const fitting = all.filter((fits) => fits).length;
  return all.length === 0 ? "" : `${fitting} of ${all.length} would do if there were room`;
}

/** What was missing, most frequent first. */
export function shortage(metric: AllocMetric): string {
  if (metric.nodesEvaluated === 0) return "no node was eligible";
  const { [CLASS_INELIGIBLE]: alike = 0, ...filtered } = metric.constraintFiltered;
  const parts = [
    ...counted(metric.dimensionExhausted, (name) => `${name} exhausted`),
    ...counted(filtered, (name) =>
      name.startsWith("missing ") ? name : `constraint "${name}" not met`,
    ),
    ...counted(metric.classExhausted, (name) => `class "${name}" exhausted`),
    ...(alike === 0 ? [] : [`and ${nodes(alike)} of the same kind as one of these`]),
  ];
  const total = metric.nodesEvaluated;
  if (parts.length > 0) return `${parts.join(", ")} (of ${total} evaluated)`;
  return `${metric.nodesFiltered} filtered, ${metric.nodesExhausted} exhausted of ${total} evaluated`;
}

function counted(
  counts: Readonly<Record<string, number>>,
  say: (name: string) => string,
): readonly string[] {
  return Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${say(name)} on ${nodes(count)}`);
}

function nodes(count: number): string {
  return count === 1 ? "1 node" : `${count} nodes`;
}
