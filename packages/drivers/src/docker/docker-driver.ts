/**
 * Tasks as Docker containers. Nothing about a running task lives only here: the container's name
 * and labels find it again, the handle holds its id, and the output's position is on disk.
 */
import { mkdirSync } from "node:fs";
import { cpus } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { DroverError } from "@drover/base";
import type { Json } from "@drover/model";
import type Docker from "dockerode";
import {
  type DriverEventSink,
  type DriverFingerprint,
  type ExecSession,
  type FetchRequest,
  type PreparedTask,
  type TaskDriver,
  type TaskExit,
  type TaskHandle,
  type TaskIdentity,
  TaskStartError,
  type TaskStartRequest,
  type TaskStats,
} from "../task-driver.ts";
import { taskKey } from "../task-key.ts";
import { type DockerConfig, parseDockerConfig } from "./config.ts";
import { containerPorts, createOptions, effectiveNetworkMode } from "./create-options.ts";
import { DockerEngine } from "./engine.ts";
import { createError, daemonMessage, isUnreachable, startError, statusOf } from "./errors.ts";
import { execInContainer } from "./exec.ts";
import { isOver, waitForExit } from "./exit.ts";
import { fingerprintDocker } from "./fingerprint.ts";
import { DockerImages, type ResolvedImage, withTag } from "./images.ts";
import { identityFromLabels, Label } from "./labels.ts";
import { LogCopier, type LogTarget } from "./log-copier.ts";
import { type CpuSample, cpuSample, taskStats } from "./stats.ts";
import { killContainer, stopContainer } from "./stop.ts";

export interface DockerDriverOptions {
  /** See DockerEngineOptions. */
  readonly endpoint?: string;
  /** Told of what is not a task's failure, e.g. a log file that cannot be written. */
  readonly onWarning?: (message: string, error: unknown) => void;
}

/** What a handle stores. */
interface DockerState {
  readonly containerId: string;
  readonly tty: boolean;
  /** null when the task's logs are disabled. */
  readonly logs: LogTarget | null;
}

const MIB = 1024 * 1024;
const DEFAULT_MHZ = 1_000;
const NEVER = new AbortController().signal;
/** The last output of a container is waited for this long before it is removed. */
const LOG_DRAIN_MS = 1_000;

export class DockerDriver implements TaskDriver {
  readonly name = "docker";
  readonly #engine: DockerEngine;
  readonly #images: DockerImages;
  readonly #warn: (message: string, error: unknown) => void;
  /** What the preparation of this very request has found: its start need not ask again. */
  readonly #prepared = new WeakMap<TaskStartRequest, ResolvedImage>();
  readonly #copiers = new Map<string, LogCopier>();
  readonly #cpuSamples = new Map<string, CpuSample>();
  readonly #cpuMhzPerCore = cpus()[0]?.speed || DEFAULT_MHZ;

  constructor(options: DockerDriverOptions = {}) {
    this.#engine = new DockerEngine(
      options.endpoint === undefined ? {} : { endpoint: options.endpoint },
    );
    this.#images = new DockerImages(this.#engine);
    this.#warn = options.onWarning ?? (() => undefined);
  }

  fingerprint(): Promise<DriverFingerprint> {
    return fingerprintDocker(this.#engine);
  }

  images(config: Readonly<Record<string, Json>>): readonly string[] {
    return typeof config.image === "string" ? [withTag(config.image)] : [];
  }

  async prepare(
    request: TaskStartRequest,
    events: DriverEventSink,
    signal: AbortSignal,
  ): Promise<PreparedTask> {
    const config = parseDockerConfig(request.config);
    const image = await this.#images.ensure(config, request.imageDigest, events, signal);
    this.#prepared.set(request, image);
    return { imageDigest: image.digest };
  }

  async fetch(request: FetchRequest, signal: AbortSignal): Promise<PreparedTask> {
    const config = parseDockerConfig(request.config);
    if (JSON.stringify(config.auth).includes("${")) {
      const text = "the registry's account is known only to an allocation";
      throw new TaskStartError("auth-unknown", text, { retryable: false });
    }
    const nobody = () => undefined;
    const { digest } = await this.#images.ensure(config, request.imageDigest, nobody, signal);
    return { imageDigest: digest };
  }

  async start(request: TaskStartRequest, events: DriverEventSink): Promise<TaskHandle> {
    const config = parseDockerConfig(request.config);
    // A few microseconds; a turn of the thread pool, behind other allocations' flushes, is 3 ms.
    mkdirSync(request.logDir, { recursive: true });
    const info = await this.#createOrAdopt(request, config, events);
    const handle = this.#handle(request, config, info);
    this.#copyLogs(handle);
    return handle;
  }

  async recover(handle: TaskHandle): Promise<TaskHandle | null> {
    const state = stateOf(handle);
    try {
      await this.#engine.call((d) => d.getContainer(state.containerId).inspect());
    } catch (error) {
      if (statusOf(error) === 404) return null;
      // A daemon that is away says nothing about the container; waiting for it will tell.
      if (!isUnreachable(error)) throw asDroverError(error);
    }
    this.#copyLogs(handle);
    return handle;
  }

  async wait(handle: TaskHandle, signal: AbortSignal): Promise<TaskExit> {
    const { containerId } = stateOf(handle);
    const exit = await waitForExit(this.#engine, containerId, signal);
    this.#cpuSamples.delete(containerId);
    return exit;
  }

  async stop(
    handle: TaskHandle,
    options: { killSignal: string; timeoutMs: number },
  ): Promise<void> {
    await stopContainer(this.#engine, stateOf(handle).containerId, options);
  }

  async destroy(identity: TaskIdentity): Promise<void> {
    const name = taskKey(identity);
    const copier = this.#copiers.get(name);
    if (copier !== undefined) {
      this.#copiers.delete(name);
      // Its output ends with it, and is complete only then.
      await killContainer(this.#engine, name, "SIGKILL").catch((error: unknown) => {
        throw asDroverError(error);
      });
      await Promise.race([copier.done, delay(LOG_DRAIN_MS)]);
      await copier.stop();
    }
    await this.#remove(name);
  }

  async signal(handle: TaskHandle, signal: string): Promise<void> {
    try {
      const { containerId } = stateOf(handle);
      await this.#engine.call((d) => d.getContainer(containerId).kill({ signal }));
    } catch (error) {
      throw asDroverError(error);
    }
  }

  async stats(handle: TaskHandle): Promise<TaskStats | null> {
    const { containerId } = stateOf(handle);
    try {
      const sample = await this.#engine.call((docker) =>
        docker.getContainer(containerId).stats({ stream: false, "one-shot": true }),
      );
      const previous = this.#cpuSamples.get(containerId) ?? null;
      this.#cpuSamples.set(containerId, cpuSample(sample));
      return taskStats(sample, previous, this.#cpuMhzPerCore);
    } catch (error) {
      if (statusOf(error) === 404 || statusOf(error) === 409) return null;
      throw asDroverError(error);
    }
  }

  exec(
    handle: TaskHandle,
    options: { command: readonly string[]; tty: boolean },
  ): Promise<ExecSession> {
    return execInContainer(this.#engine, stateOf(handle).containerId, options);
  }

  async list(owner: { clusterId: string; nodeId: string }): Promise<readonly TaskIdentity[]> {
    const label = [`${Label.cluster}=${owner.clusterId}`, `${Label.node}=${owner.nodeId}`];
    const found = await this.#engine
      .call((docker) => docker.listContainers({ all: true, filters: { label } }))
      .catch((error: unknown) => {
        throw asDroverError(error);
      });
    return found.flatMap((container) => identityFromLabels(container.Labels) ?? []);
  }

  async close(): Promise<void> {
    this.#images.close();
    const copiers = [...this.#copiers.values()];
    this.#copiers.clear();
    await Promise.all(copiers.map((copier) => copier.stop()));
  }

  /** The name is the lock: whoever is told that it is taken looks at who has it (DESIGN §9). */
  async #createOrAdopt(
    request: TaskStartRequest,
    config: DockerConfig,
    events: DriverEventSink,
  ): Promise<Docker.ContainerInspectInfo> {
    const prepared = this.#prepared.get(request);
    const image = prepared ?? (await this.#image(request, config, events));
    let id: string;
    try {
      id = await this.#create(request, config, image);
    } catch (error) {
      const isTaken = statusOf(error) === 409;
      const isImageGone = statusOf(error) === 404;
      if (!isTaken && !isImageGone) throw createError(error);
      if (isImageGone) this.#images.forget();
      const running = isTaken ? await this.#adopt(taskKey(request.identity)) : null;
      if (running !== null) return running;
      const again = await this.#image(request, config, events);
      id = await this.#create(request, config, again).catch((second: unknown) => {
        throw createError(second);
      });
    }
    return await this.#run(id, request, config);
  }

  #image(
    request: TaskStartRequest,
    config: DockerConfig,
    events: DriverEventSink,
  ): Promise<ResolvedImage> {
    return this.#images.ensure(config, request.imageDigest, events, NEVER);
  }

  /** The running container of this name; an ended one is in the way and is removed. */
  async #adopt(name: string): Promise<Docker.ContainerInspectInfo | null> {
    try {
      const info = await this.#engine.call((d) => d.getContainer(name).inspect());
      if (info.State.Running) return info;
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw createError(error);
    }
    await this.#remove(name);
    return null;
  }

  /** Returns the container's id; throws the engine's own error. */
  async #create(
    request: TaskStartRequest,
    config: DockerConfig,
    image: ResolvedImage,
  ): Promise<string> {
    const context = { imageRef: image.ref, cpuMhzPerCore: this.#cpuMhzPerCore };
    const options = createOptions(request, config, context);
    return (await this.#engine.call((d) => d.createContainer(options))).id;
  }

  async #run(
    id: string,
    request: TaskStartRequest,
    config: DockerConfig,
  ): Promise<Docker.ContainerInspectInfo> {
    try {
      await this.#engine.call((d) => d.getContainer(id).start());
      return await this.#engine.call((d) => d.getContainer(id).inspect());
    } catch (error) {
      await this.#remove(id).catch((second: unknown) => {
        const name = taskKey(request.identity);
        this.#warn(`cannot remove ${name}, made from ${config.image}`, second);
      });
      throw startError(error);
    }
  }

  #handle(
    request: TaskStartRequest,
    config: DockerConfig,
    info: Docker.ContainerInspectInfo,
  ): TaskHandle {
    const { logConfig } = request.task;
    const logs: LogTarget = {
      logDir: request.logDir,
      taskName: request.identity.taskName,
      maxFiles: Math.max(1, logConfig.maxFiles),
      maxFileBytes: Math.max(1, logConfig.maxFileSizeMb) * MIB,
    };
    const state = { containerId: info.Id, tty: config.tty, logs: logConfig.disabled ? null : logs };
    const handle = {
      driver: this.name,
      identity: request.identity,
      driverState: state as unknown as Json,
      startedAt: Date.parse(info.State.StartedAt) || Date.now(),
    };
    const ip = networkAddress(info, effectiveNetworkMode(request, config));
    if (ip === "") return handle;
    const portMap = Object.fromEntries(containerPorts(request, config));
    return { ...handle, network: { ip, portMap, autoAdvertise: config.advertiseIpv6 } };
  }

  #copyLogs(handle: TaskHandle): void {
    const { containerId, tty, logs } = stateOf(handle);
    if (logs === null) return;
    const name = taskKey(handle.identity);
    const earlier = this.#copiers.get(name);
    if (earlier?.containerId === containerId) return;
    const copier = new LogCopier(
      {
        containerId,
        tty,
        target: logs,
        after: earlier?.done ?? Promise.resolve(),
        onError: (error) => this.#warn(`cannot copy the output of ${name}`, error),
      },
      this.#engine,
    );
    this.#copiers.set(name, copier);
  }

  /** By name or id. Safe to repeat. */
  async #remove(nameOrId: string): Promise<void> {
    try {
      await this.#engine.call((d) => d.getContainer(nameOrId).remove({ force: true, v: true }));
    } catch (error) {
      if (statusOf(error) === 404) return;
      // 409: someone else (an earlier call of ours) is removing it; done when it is gone.
      if (statusOf(error) !== 409) throw asDroverError(error);
      await this.#untilGone(nameOrId);
    }
  }

  async #untilGone(nameOrId: string): Promise<void> {
    const deadline = performance.now() + 10_000;
    while (performance.now() < deadline) {
      try {
        await this.#engine.call((d) => d.getContainer(nameOrId).inspect());
      } catch (error) {
        if (statusOf(error) === 404) return;
        throw asDroverError(error);
      }
      await delay(50);
    }
    const text = `container ${nameOrId} is still being removed`;
    throw new DroverError("remove-pending", text, { retryable: true });
  }
}

function stateOf(handle: TaskHandle): DockerState {
  return handle.driverState as unknown as DockerState;
}

/** "" on the host's network, where there is no address of its own. */
function networkAddress(info: Docker.ContainerInspectInfo, mode: string): string {
  if (mode === "host" || mode === "none" || isOver(info.State)) return "";
  const networks = Object.values(info.NetworkSettings.Networks ?? {});
  return networks.find((network) => network.IPAddress !== "")?.IPAddress ?? "";
}

function asDroverError(error: unknown): DroverError | TaskStartError {
  if (error instanceof DroverError || error instanceof TaskStartError) return error;
  const retryable = isUnreachable(error) || statusOf(error) >= 500;
  const code = isUnreachable(error) ? "driver-unavailable" : "docker-refused";
  return new DroverError(code, `Docker: ${daemonMessage(error)}`, { retryable, cause: error });
}
