/**
 * Which tasks of an allocation may begin and which must end, from the states of all of them (spec
 * chapter 5 §5.3, §5.8). Called after every change; answers the same until it is acted on.
 *
 * Begin: prestart → (one-shots done, sidecars running) main → (all running) poststart; poststop
 * when everything else is dead. End, in waves: leader, then the other tasks but sidecars, then
 * these.
 */
import type { Task } from "@drover/model";
import { isDead, isKilled, type TaskRun } from "./task-run.ts";

export type KillCause =
  | { readonly kind: "stop" }
  | { readonly kind: "siblingFailed"; readonly sibling: string }
  | { readonly kind: "leaderDead" }
  | { readonly kind: "mainDead" };

export interface Coordination {
  readonly open: readonly string[];
  readonly kill: readonly string[];
  readonly cause: KillCause | null;
}

interface Member {
  readonly task: Task;
  readonly run: TaskRun;
}

export function hookOf(task: Task): string {
  return task.lifecycle?.hook ?? "";
}

export function isSidecar(task: Task): boolean {
  return hookOf(task) !== "" && task.lifecycle?.sidecar === true;
}

export function coordinateTasks(input: {
  readonly tasks: readonly Task[];
  readonly runs: Readonly<Record<string, TaskRun>>;
  /** The servers want the allocation stopped. */
  readonly stop: boolean;
}): Coordination {
  const members: Member[] = [];
  for (const task of input.tasks) {
    const run = input.runs[task.name];
    if (run !== undefined) members.push({ task, run });
  }
  const active = members.filter((m) => hookOf(m.task) !== "poststop");
  const cause = killCause(active, input.stop);
  const open = cause === null ? opening(active) : [];
  const kill = cause === null ? [] : nextWave(active);
  return {
    open: [...open, ...poststop(members, active)],
    kill,
    cause,
  };
}

function killCause(active: readonly Member[], stop: boolean): KillCause | null {
  if (stop) return { kind: "stop" };
  const failed = active.find((m) => isDead(m.run) && m.run.state.failed);
  if (failed !== undefined) return { kind: "siblingFailed", sibling: failed.task.name };
  if (active.some((m) => m.task.leader && isDead(m.run))) return { kind: "leaderDead" };
  // A poststart one-shot may still finish; sidecars alone have nobody to serve.
  if (active.every((m) => isSidecar(m.task) || isDead(m.run))) return { kind: "mainDead" };
  return null;
}

/** The first wave that still has a living member; a member is killed once. */
function nextWave(active: readonly Member[]): string[] {
  const waves = [
    active.filter((m) => m.task.leader),
    active.filter((m) => !m.task.leader && !isSidecar(m.task)),
    active.filter((m) => !m.task.leader && isSidecar(m.task)),
  ];
  for (const wave of waves) {
    if (wave.every((m) => isDead(m.run))) continue;
    return wave.filter((m) => !isKilled(m.run)).map((m) => m.task.name);
  }
  return [];
}

function opening(active: readonly Member[]): string[] {
  const blocked = (m: Member): boolean => m.run.phase.kind === "blocked";
  const of = (hook: string): Member[] => active.filter((m) => hookOf(m.task) === hook);
  const open = of("prestart").filter(blocked);
  const prestartDone = of("prestart").every((m) =>
    isSidecar(m.task) ? m.run.state.state === "running" : succeeded(m.run),
  );
  if (prestartDone) open.push(...of("").filter(blocked));
  const mainUp = of("").every((m) => m.run.state.state === "running" || succeeded(m.run));
  if (prestartDone && mainUp) open.push(...of("poststart").filter(blocked));
  return open.map((m) => m.task.name);
}

function succeeded(run: TaskRun): boolean {
  return isDead(run) && !run.state.failed;
}

function poststop(members: readonly Member[], active: readonly Member[]): string[] {
  if (!active.every((m) => isDead(m.run))) return [];
  // Nothing ever ran: there is nothing to clean up after.
  if (!active.some((m) => m.run.state.startedAt !== 0)) return [];
  return members
    .filter((m) => hookOf(m.task) === "poststop" && m.run.phase.kind === "blocked")
    .map((m) => m.task.name);
}

/** All that will ever run has run. */
export function isFinished(input: {
  readonly tasks: readonly Task[];
  readonly runs: Readonly<Record<string, TaskRun>>;
}): boolean {
  return input.tasks.every((task) => {
    const run = input.runs[task.name];
    if (run === undefined || isDead(run)) return true;
    if (hookOf(task) !== "poststop" || run.phase.kind !== "blocked") return false;
    return !anyStarted(input);
  });
}

function anyStarted(input: {
  readonly tasks: readonly Task[];
  readonly runs: Readonly<Record<string, TaskRun>>;
}): boolean {
  return input.tasks.some((task) => (input.runs[task.name]?.state.startedAt ?? 0) !== 0);
}
