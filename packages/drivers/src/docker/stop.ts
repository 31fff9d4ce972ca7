/**
 * Ends a container: signal, wait, kill. The engine's own stop call counts in whole seconds and
 * knows only the image's signal, so the steps are made here.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { DockerEngine } from "./engine.ts";
import { isUnreachable, statusOf } from "./errors.ts";
import { isOver, waitForExit } from "./exit.ts";

const DEFAULT_SIGNAL = "SIGTERM";
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 2_000;

/** Resolves when the container has ended or is gone; asks again while the daemon is away. */
export async function stopContainer(
  engine: DockerEngine,
  containerId: string,
  options: { readonly killSignal: string; readonly timeoutMs: number },
): Promise<void> {
  const controller = new AbortController();
  const ended = waitForExit(engine, containerId, controller.signal).then(
    () => true,
    () => false,
  );
  try {
    const name = options.killSignal || (await untilAnswered(() => stopSignal(engine, containerId)));
    if (name === "") return;
    if (options.timeoutMs > 0) {
      await untilAnswered(() => killContainer(engine, containerId, name));
      const timeout = delay(options.timeoutMs, false, { signal: controller.signal }).catch(
        () => false,
      );
      if (await Promise.race([ended, timeout])) return;
    }
    await untilAnswered(() => killContainer(engine, containerId, "SIGKILL"));
    await ended;
  } finally {
    controller.abort();
  }
}

/** The image's own stop signal; "" when there is nothing left to stop. */
async function stopSignal(engine: DockerEngine, containerId: string): Promise<string> {
  try {
    const info = await engine.call((d) => d.getContainer(containerId).inspect());
    if (isOver(info.State)) return "";
    const { StopSignal } = info.Config as { StopSignal?: string };
    return StopSignal || DEFAULT_SIGNAL;
  } catch (error) {
    if (statusOf(error) === 404) return "";
    throw error;
  }
}

/** A container that is not running any more needs no signal. */
export async function killContainer(
  engine: DockerEngine,
  containerId: string,
  signal: string,
): Promise<void> {
  try {
    await engine.call((d) => d.getContainer(containerId).kill({ signal }));
  } catch (error) {
    if (statusOf(error) === 404 || statusOf(error) === 409) return;
    throw error;
  }
}

async function untilAnswered<T>(call: () => Promise<T>): Promise<T> {
  let backoffMs = RETRY_MIN_MS;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      await delay(backoffMs);
      backoffMs = Math.min(backoffMs * 2, RETRY_MAX_MS);
    }
  }
}
