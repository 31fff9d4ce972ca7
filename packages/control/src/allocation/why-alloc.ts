/** Why an allocation is not where it is wanted to be, as far as the state shows (DESIGN §12.6). */
import {
  type Allocation,
  AllocPhase,
  ClientStatus,
  type Deployment,
  isClientTerminal,
  isDeploymentActive,
  isServerTerminal,
  NodeStatus,
  OPERATOR,
  type Reason,
  Rule,
  type StateReader,
  type Subject,
  subjectOf,
  type Task,
  type TaskState,
  waitsFor,
} from "@drover/model";
import { groupOf } from "../deployment/replaceable.ts";
import { graceEndsAt } from "../heartbeat/decide-missed.ts";

/** Empty = it has ended, or nothing is awaited of it. A failed one is the scheduler's to explain. */
export function whyAlloc(state: StateReader, alloc: Allocation): readonly Reason[] {
  if (isClientTerminal(alloc)) return [];
  const silent = whySilent(state, alloc);
  if (silent) return [silent];
  if (isServerTerminal(alloc)) return [stopping(alloc)];
  if (alloc.phase === AllocPhase.prepare)
    return [alloc.prepared ? held(alloc) : pulls(state, alloc)];
  if (alloc.clientStatus === ClientStatus.pending) return [notStarted(state, alloc)];
  if (alloc.desiredTransition.migrate === true) return [leaving(state, alloc)];
  const deployment = state.deployment(alloc.deploymentId);
  const isJudged = (alloc.deploymentStatus?.healthy ?? null) !== null;
  if (deployment && isDeploymentActive(deployment) && !isJudged) {
    return [undecided(state, alloc, deployment)];
  }
  return pendingTasks(state, alloc).length > 0 ? [notStarted(state, alloc)] : [];
}

function whySilent(state: StateReader, alloc: Allocation): Reason | null {
  const node = state.node(alloc.nodeId);
  const isBack = node?.status === NodeStatus.ready;
  if (isBack && alloc.clientStatus !== ClientStatus.unknown) return null;
  const subject = subjectOf.allocation(alloc);
  const where = subjectOf.node(alloc.nodeId);
  const since = node?.statusUpdatedAt || alloc.modifyTime || null;
  if (alloc.clientStatus === ClientStatus.unknown) {
    const text = isBack
      ? "its node is back and has not told of it: it counts as lost when that lasts too long"
      : "its node is out of reach: it counts as lost when that lasts too long";
    const wakesAt = graceEndsAt(alloc, state) || null;
    return waitsFor({ rule: Rule.allocDisconnectGrace, subject, text, since, wakesAt }, where);
  }
  const text = `its node "${alloc.nodeName}" is ${node?.status ?? "gone"}`;
  return waitsFor({ rule: Rule.allocNodeSilent, subject, text, since }, where);
}

function stopping(alloc: Allocation): Reason {
  return waitsFor(
    {
      rule: Rule.allocStopping,
      subject: subjectOf.allocation(alloc),
      text: "it was told to stop and its tasks have not ended",
      since: alloc.modifyTime || null,
      evidence: { because: alloc.desiredDescription },
    },
    ...someOf(alloc, runningTasks(alloc)),
  );
}

/** What its node fetches before the one it replaces may stop. */
function pulls(state: StateReader, alloc: Allocation): Reason {
  const images = (groupOf(state, alloc)?.tasks ?? []).map(imageOf).filter((name) => name !== "");
  const [first = subjectOf.node(alloc.nodeId), ...others] = images.map(subjectOf.image);
  return waitsFor(
    {
      rule: Rule.allocPreparesImages,
      subject: subjectOf.allocation(alloc),
      text: `node "${alloc.nodeName}" fetches what it needs; the one it replaces runs on`,
      since: alloc.createTime || null,
      evidence: { node: alloc.nodeName, images: images.join(", "), ...latestEvents(alloc) },
    },
    first,
    ...others,
  );
}

function imageOf({ config }: Task): string {
  const image = (config as { readonly image?: unknown } | null)?.image;
  return typeof image === "string" ? image : "";
}

function held(alloc: Allocation): Reason {
  const ref = { namespace: alloc.namespace, id: alloc.jobId };
  return waitsFor(
    {
      rule: Rule.allocPairHeld,
      subject: subjectOf.allocation(alloc),
      text: "it is ready to start, and does when it may replace the one that still runs",
      since: alloc.modifyTime || null,
    },
    subjectOf.group(ref, alloc.taskGroup),
  );
}

/** Told to leave its node: it runs until its replacement may start. */
function leaving(state: StateReader, alloc: Allocation): Reason {
  const ref = { namespace: alloc.namespace, id: alloc.jobId };
  const next = state
    .allocsByJob(ref)
    .find((each) => each.previousAllocation === alloc.id && !isServerTerminal(each));
  const text = next
    ? "it must leave its node, and runs on until its replacement is ready to start"
    : "it must leave its node: an evaluation of its job finds it another place";
  return waitsFor(
    {
      rule: Rule.allocAwaitsReplacement,
      subject: subjectOf.allocation(alloc),
      text,
      since: alloc.modifyTime || null,
    },
    next ? subjectOf.allocation(next) : subjectOf.group(ref, alloc.taskGroup),
  );
}

function notStarted(state: StateReader, alloc: Allocation): Reason {
  const known = Object.keys(alloc.taskStates).length > 0;
  return waitsFor(
    {
      rule: Rule.allocNotStarted,
      subject: subjectOf.allocation(alloc),
      text: known
        ? `not all of its tasks have started on node "${alloc.nodeName}"`
        : `node "${alloc.nodeName}" has not reported it yet`,
      since: alloc.createTime || null,
      evidence: latestEvents(alloc),
      hint: `drover alloc status ${alloc.id}`,
    },
    ...someOf(alloc, pendingTasks(state, alloc)),
  );
}

function undecided(state: StateReader, alloc: Allocation, { id }: Deployment): Reason {
  const subject = subjectOf.allocation(alloc);
  const since = alloc.createTime || null;
  const isManual = groupOf(state, alloc)?.update?.healthCheck === "manual";
  if (isManual) {
    const text = "its group's health is set by hand";
    const verdict = JSON.stringify({ HealthyAllocationIDs: [alloc.id] });
    const hint = `PUT /v1/deployment/allocation-health/${id} ${verdict}`;
    return waitsFor({ rule: Rule.allocManualHealth, subject, text, since, hint }, OPERATOR);
  }
  const text = `it runs, and node "${alloc.nodeName}" has not found it healthy yet`;
  const evidence = latestEvents(alloc);
  const told = { rule: Rule.allocAwaitsVerdict, subject, text, since, evidence };
  return waitsFor(told, ...someOf(alloc, pendingTasks(state, alloc)));
}

/** The tasks of those names; its node when there is none to name. */
function someOf(alloc: Allocation, tasks: readonly string[]): [Subject, ...Subject[]] {
  const [first, ...others] = tasks.map((name) => subjectOf.partOf(alloc, "task", name));
  return [first ?? subjectOf.node(alloc.nodeId), ...others];
}

/** Those that are to run now: a poststop task is pending until the others have ended. */
function pendingTasks(state: StateReader, alloc: Allocation): string[] {
  const group = groupOf(state, alloc);
  const isLast = (name: string) =>
    group?.tasks.find((task) => task.name === name)?.lifecycle?.hook === "poststop";
  return namesOf(alloc, (task) => task.state === "pending").filter((name) => !isLast(name));
}

function runningTasks(alloc: Allocation): string[] {
  return namesOf(alloc, (task) => task.state !== "dead");
}

function namesOf(alloc: Allocation, isWanted: (state: TaskState) => boolean): string[] {
  return Object.entries(alloc.taskStates)
    .filter(([, task]) => isWanted(task))
    .map(([name]) => name);
}

/** Task → the last thing that happened to it. */
function latestEvents(alloc: Allocation): Record<string, string> {
  const events: Record<string, string> = {};
  for (const [name, { events: list }] of Object.entries(alloc.taskStates)) {
    const last = list.at(-1);
    if (last) events[`task ${name}`] = last.displayMessage || last.message || last.type;
  }
  return events;
}
