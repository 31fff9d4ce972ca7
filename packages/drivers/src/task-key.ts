/**
 * One name per task, the same whoever computes it: a container's name, an executor's directory.
 * It is the lock of a task (DESIGN §9): who asks for a taken name finds the one that has it.
 */
import { createHash } from "node:crypto";
import type { TaskIdentity } from "./task-driver.ts";

const TASK_CHARS_MAX = 40;
const CLUSTER_CHARS_MAX = 8;

/**
 * `drover-<cluster>-<allocation>-<task>`. Only the first characters of the cluster id appear. A
 * task name that has to be shortened or cleaned gets a hash of the whole, so that two of them
 * never meet in one name.
 */
export function taskKey(
  identity: Pick<TaskIdentity, "clusterId" | "allocId" | "taskName">,
): string {
  const cluster = clean(identity.clusterId).slice(0, CLUSTER_CHARS_MAX);
  const task = clean(identity.taskName).slice(0, TASK_CHARS_MAX);
  const name = `drover-${cluster}-${clean(identity.allocId)}-${task}`;
  return task === identity.taskName ? name : `${name}-${shortHash(identity.taskName)}`;
}

function clean(text: string): string {
  return text.replace(/[^a-zA-Z0-9_.-]/g, "_");
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}
