/** Why an allocation is not where it is to be, by what its own node does for it (DESIGN §12.6). */
import {
  type Allocation,
  type Reason,
  type Reasons,
  Rule,
  type Subject,
  subjectOf,
  type Task,
  waitsFor,
  waitsUntil,
} from "@drover/model";
import { type AllocRecord, type AllocStage, groupOf } from "../state/alloc-record.ts";
import { hookOf, isSidecar } from "./coordinate-tasks.ts";
import { killTimeoutMs } from "./next-task-action.ts";
import type { TaskPhase, TaskRun } from "./task-run.ts";
import { catalogTrouble } from "./why-undecided.ts";

export interface Unsettled {
  readonly record: AllocRecord;
  /** Allocation that holds its ports; null = nobody does. */
  readonly portHolder: string | null;
  /** What its health lacks besides. */
  readonly health: readonly Reason[];
  /** What its catalog cannot do, and tries again; "" = nothing. */
  readonly trouble: string;
}

/** Where an allocation may lack nothing that its node could tell. */
type QuietStage = "preparing" | "running" | "done";

type ByStage = {
  readonly [K in AllocStage["kind"]]: (
    from: Unsettled,
    stage: Extract<AllocStage, { readonly kind: K }>,
  ) => K extends QuietStage ? readonly Reason[] : Reasons;
};

/** For each stage; a new one does not compile before it is explained. */
const BY_STAGE: ByStage = {
  preparing: ({ record }) => (record.prepared ? [] : [preparing(record)]),
  waiting: (from) => [awaitsPorts(from)],
  running: ({ health, record }) => {
    const tasks = whyTasks(record);
    const isTold = tasks.length > 0;
    return [...tasks, ...health.filter(({ rule }) => !isTold || rule !== Rule.allocTaskNotRunning)];
  },
  leaving: ({ record: { alloc }, trouble }) => {
    const text = "its services leave the catalog";
    const evidence = catalogTrouble(trouble);
    const told = { ...toldOf(alloc), rule: Rule.allocLeavesCatalog, text, evidence };
    return [waitsFor(told, subjectOf.node(alloc.nodeId))];
  },
  delaying: ({ record: { alloc } }, { wakeAt }) => [
    waitsUntil(wakeAt, {
      ...toldOf(alloc),
      rule: Rule.allocShutdownDelay,
      text: "it is out of the catalog and has its group's shutdown delay",
    }),
  ],
  stopping: ({ record }) => {
    const [first = cleansUp(record), ...others] = whyTasks(record);
    return [first, ...others];
  },
  done: () => [],
};

export function whyUnsettled(from: Unsettled): readonly Reason[] {
  const { stage } = from.record;
  return (BY_STAGE[stage.kind] as (from: Unsettled, stage: AllocStage) => readonly Reason[])(
    from,
    stage,
  );
}

function preparing(record: AllocRecord): Reason {
  const { alloc } = record;
  const images = tasksOf(record)
    .map(imageOf)
    .filter((name) => name !== "");
  const [first = subjectOf.node(alloc.nodeId), ...others] = images.map(subjectOf.image);
  const evidence = Object.assign(
    { images: images.join(", ") },
    ...Object.entries(record.tasks).map(([name, run]) => latestEvent(name, run)),
  ) as Record<string, string>;
  const text = "its node fetches what it needs; the one it replaces runs on";
  const told = { ...toldOf(alloc), rule: Rule.allocPreparesImages, text, evidence };
  return waitsFor(told, first, ...others);
}

function cleansUp({ alloc }: AllocRecord): Reason {
  const text = "its tasks have ended, and what they leave behind is cleaned away";
  const told = { ...toldOf(alloc), rule: Rule.allocStopping, text };
  return waitsFor(told, subjectOf.node(alloc.nodeId));
}

function awaitsPorts({ portHolder, record: { alloc } }: Unsettled): Reason {
  const { namespace, nodeId } = alloc;
  const text = "another allocation still holds its ports";
  const told = { ...toldOf(alloc), rule: Rule.allocAwaitsPorts, text };
  const holder = portHolder === null ? null : subjectOf.allocation({ id: portHolder, namespace });
  return waitsFor(told, holder ?? subjectOf.node(nodeId));
}

function whyTasks(record: AllocRecord): Reason[] {
  const reasons: Reason[] = [];
  for (const task of tasksOf(record)) {
    const run = record.tasks[task.name];
    const reason = run && whyTask({ record, task, run });
    if (reason) reasons.push(reason);
  }
  return reasons;
}

interface TaskFacts {
  readonly record: AllocRecord;
  readonly task: Task;
  readonly run: TaskRun;
}

/** Where a task may be as it is to be: a poststop task before its time, a running or a dead one. */
type QuietPhase = "blocked" | "running" | "dead";

type ByPhase = {
  readonly [K in TaskPhase["kind"]]: (
    facts: TaskFacts,
    phase: Extract<TaskPhase, { readonly kind: K }>,
  ) => K extends QuietPhase ? Reason | null : Reason;
};

const BY_PHASE: ByPhase = {
  blocked: (facts) => {
    const { record, task } = facts;
    if (hookOf(task) === "poststop") return null;
    const others = tasksOf(record).filter((each) => isAhead(each, task, record));
    const [first, ...more] = others.map((each) => partOf(record, each));
    const text = `task "${task.name}" waits for the tasks that go before it`;
    return waitsFor(told(facts, Rule.taskBlocked, text), first ?? nodeOf(record), ...more);
  },
  setup: (facts) => begins(facts, "is being set up"),
  starting: (facts) => begins(facts, "is being started"),
  running: (facts) => {
    const { record, task } = facts;
    // An allocation that is to stop lets its poststop tasks finish, for as long as they take.
    if (record.stage.kind !== "stopping" || hookOf(task) !== "poststop") return null;
    const text = `task "${task.name}" runs after the others have ended, and is not done`;
    return waitsFor(told(facts, Rule.taskEnding, text), partOf(record, task));
  },
  backoff: (facts, { wakeAt }) => {
    const last = facts.run.state.events.findLast(({ type }) => type !== "Restarting");
    const because = last?.displayMessage || last?.message || "";
    const hasRun = last?.type === "Terminated";
    const what = hasRun ? `ended (${because}) and is started` : "could not be started and is tried";
    const text = `task "${facts.task.name}" ${what} again after its restart delay`;
    const fields = told(facts, Rule.taskRestartDelay, text);
    const evidence: Record<string, string> = hasRun ? {} : { because };
    return waitsFor({ ...fields, evidence, wakesAt: wakeAt }, partOf(facts.record, facts.task));
  },
  leaving: (facts) => ends(facts, "leaves the catalog"),
  delaying: (facts, { wakeAt }) =>
    ends(facts, "is out of the catalog and runs on for those who still know its address", wakeAt),
  signalling: (facts) => ends(facts, "was told to end and has not"),
  dead: (facts, { destroyed }) => (destroyed ? null : ends(facts, "is being cleaned away")),
};

function whyTask(facts: TaskFacts): Reason | null {
  const { phase } = facts.run;
  return (BY_PHASE[phase.kind] as (facts: TaskFacts, phase: TaskPhase) => Reason | null)(
    facts,
    phase,
  );
}

function begins(facts: TaskFacts, what: string): Reason {
  const { record, task } = facts;
  const text = `task "${task.name}" ${what}`;
  const image = imageOf(task);
  const subject = image === "" ? partOf(record, task) : subjectOf.image(image);
  return waitsFor(told(facts, Rule.taskStarting, text), subject);
}

function ends(facts: TaskFacts, what: string, wakesAt: number | null = null): Reason {
  const { record, task } = facts;
  const limit = killTimeoutMs(task, Number.POSITIVE_INFINITY);
  const fields = told(facts, Rule.taskEnding, `task "${task.name}" ${what}`);
  const evidence = { ...fields.evidence, "kill timeout": `${limit} ms` };
  return waitsFor({ ...fields, evidence, wakesAt }, partOf(record, task));
}

/** A prestart task that has not done its work, or anything before a poststart one. */
function isAhead(each: Task, task: Task, record: AllocRecord): boolean {
  const run = record.tasks[each.name];
  if (each === task || run === undefined) return false;
  const isBusy = isSidecar(each) ? run.state.state === "pending" : run.state.state !== "dead";
  if (hookOf(each) === "prestart") return isBusy && hookOf(task) !== "prestart";
  return hookOf(task) === "poststart" && hookOf(each) === "" && run.state.state === "pending";
}

function told({ record, run, task }: TaskFacts, rule: Rule, text: string) {
  const hint = `drover alloc status ${record.alloc.id}`;
  return { ...toldOf(record.alloc), rule, text, hint, evidence: latestEvent(task.name, run) };
}

function latestEvent(name: string, run: TaskRun): Record<string, string> {
  const last = run.state.events.at(-1);
  return last ? { [`task ${name}`]: last.displayMessage || last.message || last.type } : {};
}

function toldOf(alloc: Allocation) {
  return { subject: subjectOf.allocation(alloc), since: alloc.modifyTime || null };
}

function tasksOf({ alloc, job }: AllocRecord): readonly Task[] {
  return groupOf(job, alloc).tasks;
}

function partOf({ alloc }: AllocRecord, task: Task): Subject {
  return subjectOf.partOf(alloc, "task", task.name);
}

function nodeOf({ alloc }: AllocRecord): Subject {
  return subjectOf.node(alloc.nodeId);
}

function imageOf({ config }: Task): string {
  const image = (config as { readonly image?: unknown } | null)?.image;
  return typeof image === "string" ? image : "";
}
