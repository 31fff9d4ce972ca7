/** The input of a dispatched job, as a file in the task's `local` directory. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Job, Task } from "@drover/model";
import { resolveInside } from "../local/contained-path.ts";

export async function writeDispatchPayload(task: Task, job: Job, directory: string): Promise<void> {
  const file = task.dispatchPayload?.file ?? "";
  if (file === "" || job.payload === null) return;
  const path = resolveInside(join(directory, "local"), file);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, Buffer.from(job.payload, "base64"));
}
