/** What has to be in a task's directory before its driver is asked to start it. */
import { TaskStartError } from "@drover/drivers";
import type { Job, Task } from "@drover/model";
import type { TaskEnv } from "../core/task-env.ts";
import { type AllocPaths, taskPath } from "../runner/alloc-paths.ts";
import type { ClientDisk } from "../state/client-disk.ts";
import { writeDispatchPayload } from "./dispatch-payload.ts";
import { renderTemplates } from "./templates.ts";

export interface SetupInput {
  readonly task: Task;
  readonly job: Job;
  readonly paths: AllocPaths;
  readonly env: TaskEnv;
  readonly disk: ClientDisk;
}

/**
 * Builds directories, the dispatch payload and templates; safe to repeat. Returns the variables
 * that templates add to the environment. Throws TaskStartError.
 */
export async function setupTask(input: SetupInput): Promise<Readonly<Record<string, string>>> {
  refuseUnsupported(input.task);
  const directory = taskPath(input.paths, input.task.name);
  input.disk.buildAllocDirs(input.paths, input.task.name);
  await writeDispatchPayload(input.task, input.job, directory);
  return renderTemplates(input.task, directory, input.env.lookup);
}

function refuseUnsupported(task: Task): void {
  const refuse = (what: string): never => {
    throw new TaskStartError("unsupported", `task ${task.name}: ${what} not supported yet`, {
      retryable: false,
    });
  };
  if (task.artifacts.length > 0) refuse("artifacts are");
  if (task.vault !== null) refuse("vault is");
  if (task.volumeMounts.length > 0) refuse("volume mounts are");
}
