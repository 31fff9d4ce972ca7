/** JobRegister: a submitted job becomes a new version, or changes nothing (spec §2.4, §2.5). */
import { isSpecChanged, type Job, type TaskGroup, withCount } from "@drover/model";
import type { Tx } from "../store/tx.ts";
import { putEval } from "../writes/evals.ts";
import { putNewVersion } from "../writes/jobs.ts";
import type { CommandResult, JobRegister } from "./command.ts";
import { accepted, RejectCode, rejected } from "./result.ts";

/** Sets jobModifyIndex, jobVersion, unchanged, evalCreateIndex. */
export function applyJobRegister(tx: Tx, command: JobRegister): CommandResult {
  const current = tx.read.job(command.job);
  const refusal = refuse(tx, command, current);
  if (refusal !== undefined) return refusal;
  const isUnchanged =
    current !== undefined && !command.alwaysNewVersion && !isSpecChanged(current, command.job);
  const stored = isUnchanged ? current : storeVersion(tx, command, current);
  if (command.evaluation !== null) {
    putEval(tx, { ...command.evaluation, jobModifyIndex: stored.modifyIndex });
  }
  return accepted(tx, {
    // For an unchanged job this is what it was last touched at, as its users know it.
    jobModifyIndex: stored.modifyIndex,
    jobVersion: stored.version,
    unchanged: isUnchanged,
    evalCreateIndex: command.evaluation === null ? 0 : tx.index,
  });
}

function refuse(tx: Tx, command: JobRegister, current: Job | undefined): CommandResult | undefined {
  const incompatible = tx.v < 3 ? undefined : incompatibility(current, command.job);
  if (incompatible !== undefined) return rejected(tx, RejectCode.jobIncompatible, incompatible);
  const prior = command.enforcePriorVersion;
  if (prior !== null && current?.version !== prior) {
    const has = current === undefined ? "none" : String(current.version);
    return rejected(
      tx,
      RejectCode.jobVersionConflict,
      `Current job has version ${has}; enforcing version ${prior}`,
    );
  }
  const given = command.enforceIndex;
  if (given === null) return undefined;
  const why = indexConflict(given, current);
  if (why === undefined) return undefined;
  const message = `Enforcing job modify index ${given}: ${why}`;
  return rejected(tx, RejectCode.jobModifyIndexConflict, message);
}

/** J4: what may not change between two versions of one job (spec §2.3). */
function incompatibility(stored: Job | undefined, job: Job): string | undefined {
  if (stored === undefined) return undefined;
  if (stored.type !== job.type) {
    return `cannot change job type from "${stored.type}" to "${job.type}"`;
  }
  const told = (kind: string, was: boolean, is: boolean) => {
    if (was === is) return undefined;
    const [from, to] = was ? [kind, `non-${kind}`] : [`non-${kind}`, kind];
    return `cannot update ${from} job to being ${to}`;
  };
  return (
    told("periodic", stored.periodic !== null, job.periodic !== null) ??
    told("parameterized", stored.parameterizedJob !== null, job.parameterizedJob !== null)
  );
}

function indexConflict(given: number, current: Job | undefined): string | undefined {
  if (current === undefined) return given === 0 ? undefined : "job does not exist";
  if (given === 0) return "job already exists";
  if (given === current.jobModifyIndex) return undefined;
  return `job exists with conflicting job modify index: ${current.jobModifyIndex}`;
}

function storeVersion(tx: Tx, command: JobRegister, current: Job | undefined): Job {
  const submitted: Job = {
    ...command.job,
    taskGroups: command.job.taskGroups.map((group) => preserve(tx, group, { command, current })),
    stable: command.alwaysNewVersion && (current?.stable ?? false),
    submitTime: tx.now,
  };
  return putNewVersion(tx, submitted, command.submission);
}

/** Counts and resources of what the old job has already, where the submitter asked to keep them. */
function preserve(
  tx: Tx,
  group: TaskGroup,
  { command, current }: { readonly command: JobRegister; readonly current: Job | undefined },
): TaskGroup {
  const old = current?.taskGroups.find((candidate) => candidate.name === group.name);
  if (old === undefined) return group;
  const count = command.preserveCounts ? old.count : group.count;
  const counted = tx.v < 2 ? { ...group, count } : withCount(group, count);
  if (!command.preserveResources) return counted;
  const tasks = group.tasks.map((task) => {
    const oldTask = old.tasks.find((candidate) => candidate.name === task.name);
    return oldTask === undefined ? task : { ...task, resources: oldTask.resources };
  });
  return { ...counted, tasks };
}
