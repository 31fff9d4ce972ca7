/** Where an allocation lives on disk, and where its tasks see it. */
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Task } from "@drover/model";
import type { TaskDirs } from "../core/task-env.ts";

export interface AllocPaths {
  /** `<dataDir>/alloc/<id>`. */
  readonly root: string;
  /** Shared by the tasks. */
  readonly shared: string;
  readonly logs: string;
}

export function allocPaths(base: string, allocId: string): AllocPaths {
  const root = join(base, allocId);
  const shared = join(root, "alloc");
  return { root, shared, logs: join(shared, "logs") };
}

export function taskPath(paths: AllocPaths, taskName: string): string {
  return join(paths.root, taskName);
}

/**
 * Directories that a task of any user may write in; safe to repeat. Synchronous: each call takes
 * microseconds, and as many turns of the thread pool, behind other allocations' flushes, 10 ms.
 */
export function buildAllocDirs(paths: AllocPaths, taskName: string): void {
  mkdirSync(paths.root, { recursive: true, mode: 0o711 });
  const task = taskPath(paths, taskName);
  const open = [
    paths.shared,
    paths.logs,
    join(paths.shared, "data"),
    join(paths.shared, "tmp"),
    task,
    join(task, "local"),
    join(task, "secrets"),
  ];
  for (const path of open) openDir(path, 0o777);
  openDir(join(task, "tmp"), 0o1777);
}

/** The umask of the agent must not decide what a task may do. */
function openDir(path: string, mode: number): void {
  mkdirSync(path, { recursive: true });
  chmodSync(path, mode);
}

/** Containers see fixed paths, processes on the host the real ones. */
export function insideDirs(paths: AllocPaths, task: Task): TaskDirs {
  if (task.driver === "docker") {
    return { allocDir: "/alloc", taskDir: "/local", secretsDir: "/secrets" };
  }
  const own = taskPath(paths, task.name);
  return {
    allocDir: paths.shared,
    taskDir: join(own, "local"),
    secretsDir: join(own, "secrets"),
  };
}
