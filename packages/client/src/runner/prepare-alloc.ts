/**
 * Make before break (DESIGN §12.3): everything an allocation needs to start is fetched while the
 * one it replaces still runs. What may pass (a registry that is down) is tried again for as long as
 * the servers want the allocation; what names the version is final.
 */
import { type TaskDriver, TaskStartError, type TaskStartRequest } from "@drover/drivers";
import type { Task } from "@drover/model";
import { type RetryDeps, untilDone } from "./retry.ts";

export interface PrepareDeps extends RetryDeps {
  /** False: nobody waits for it any more. */
  wanted(): boolean;
  driver(name: string): TaskDriver | undefined;
  request(task: Task): Promise<TaskStartRequest>;
  imagesReady(driver: TaskDriver, request: TaskStartRequest, digest: string): void;
  /** A line for the task's history. */
  trouble(task: Task, error: unknown): void;
}

export type PrepareOutcome =
  | { readonly kind: "prepared" }
  | { readonly kind: "refused"; readonly task: Task; readonly message: string }
  /** The agent goes down, or the allocation is no longer wanted. */
  | { readonly kind: "gaveUp" };

export async function prepareAlloc(
  tasks: readonly Task[],
  deps: PrepareDeps,
): Promise<PrepareOutcome> {
  for (const task of tasks) {
    const what = `preparing task ${task.name}`;
    const done = await untilDone(deps, what, () => prepareTask(task, deps));
    if (done === null || done.value === "gaveUp") return { kind: "gaveUp" };
    if (done.value !== null) return { kind: "refused", task, message: done.value.refused };
  }
  return { kind: "prepared" };
}

/** null = prepared. Throws what is worth another attempt. */
async function prepareTask(
  task: Task,
  deps: PrepareDeps,
): Promise<null | "gaveUp" | { refused: string }> {
  if (!deps.wanted()) return "gaveUp";
  try {
    const driver = deps.driver(task.driver);
    if (driver === undefined) throw new Error(`this node has no driver "${task.driver}"`);
    const request = await deps.request(task);
    const ready = await driver.prepare(request, () => undefined, deps.closed);
    deps.imagesReady(driver, request, ready.imageDigest);
    return null;
  } catch (error) {
    if (error instanceof TaskStartError && !error.retryable) return { refused: error.message };
    if (!deps.closed.aborted) deps.trouble(task, error);
    throw error;
  }
}
