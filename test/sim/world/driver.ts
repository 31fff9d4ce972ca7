/** A `TaskDriver` over the simulated engine, for one life of the agent. */
import { DroverError } from "@drover/base";
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
} from "@drover/drivers";
import type { Json } from "@drover/model";
import type { Container, SimEngine } from "./engine.ts";
import { imageKind } from "./images.ts";
import type { SimProcess } from "./process.ts";

export class SimDriver implements TaskDriver {
  readonly name = "docker";
  readonly #engine: SimEngine;
  readonly #process: SimProcess;
  readonly #fetched: (image: string) => void;
  readonly #pulls = new Map<string, Pull>();

  /** `fetched`: told of each image that was there before an allocation asked for it. */
  constructor(engine: SimEngine, process: SimProcess, fetched: (image: string) => void) {
    this.#engine = engine;
    this.#process = process;
    this.#fetched = fetched;
  }

  async fingerprint(): Promise<DriverFingerprint> {
    await this.#pause(1, 10);
    const { up } = this.#engine;
    const attributes: Record<string, string> = up ? { "driver.docker": "1" } : {};
    const healthDescription = up ? "Healthy" : "Failed to connect to docker daemon";
    return { detected: true, healthy: up, healthDescription, attributes };
  }

  images(config: Readonly<Record<string, Json>>): readonly string[] {
    return [imageOf(config)];
  }

  async prepare(
    request: TaskStartRequest,
    events: DriverEventSink,
    signal: AbortSignal,
  ): Promise<PreparedTask> {
    const image = imageOf(request.config);
    await this.#ask(1, 8);
    if (!this.#engine.images.has(image)) {
      events({ message: "Downloading image", details: { image } });
      await this.#join(image, signal);
    }
    return { imageDigest: `sha256:${image}` };
  }

  /** A registry that fails leaves it to whoever comes to need the image. */
  async fetch({ config }: FetchRequest, signal: AbortSignal): Promise<PreparedTask> {
    const image = imageOf(config);
    const { images, random } = this.#engine;
    await this.#ask(1, 8);
    if (!images.has(image)) {
      if (random.chance(REGISTRY_FAILS)) {
        throw new TaskStartError("registry", "the registry fails", { retryable: true });
      }
      await this.#join(image, signal);
      this.#fetched(image);
    }
    return { imageDigest: `sha256:${image}` };
  }

  async start(request: TaskStartRequest): Promise<TaskHandle> {
    const name = keyOf(request.identity);
    const engine = this.#engine;
    const image = imageOf(request.config);
    await this.#ask(1, 5);
    const known = engine.containers.get(name);
    if (known !== undefined && known.exit === null) return handleOf(known);
    if (known !== undefined) engine.remove(name);
    return await new Promise<TaskHandle>((resolve, reject) => {
      // The daemon goes on though the agent may die meanwhile.
      engine.time.after(engine.random.between(20, 400), () => {
        try {
          const labels = (request.config as { ports?: readonly string[] }).ports ?? [];
          const mapped = request.ports.filter(({ label }) => labels.includes(label));
          const ports = mapped.map(({ value }) => value);
          const { identity } = request;
          const twin = engine.containers.get(name);
          const container = twin ?? engine.create(name, { identity, image, ports });
          this.#process.run(() => resolve(handleOf(container)));
        } catch (error) {
          this.#process.run(() => reject(error));
        }
      });
    });
  }

  async recover(handle: TaskHandle): Promise<TaskHandle | null> {
    await this.#ask(1, 8);
    return this.#find(handle) === undefined ? null : handle;
  }

  async wait(handle: TaskHandle, signal: AbortSignal): Promise<TaskExit> {
    const container = this.#find(handle);
    if (container === undefined) return GONE;
    const sawOutage = await new Promise<boolean>((resolve, reject) => {
      const done = () => {
        const { up } = this.#engine;
        this.#engine.whenUp(() => this.#process.run(() => resolve(!up)));
      };
      signal.addEventListener("abort", () => {
        container.waiters.delete(done);
        reject(new DroverError("aborted", "aborted"));
      });
      if (container.exit !== null) done();
      else container.waiters.add(done);
    });
    await this.#pause(1, 20);
    const exit = container.exit ?? GONE;
    return sawOutage ? { ...exit, duringOutage: true } : exit;
  }

  async stop(
    handle: TaskHandle,
    options: { killSignal: string; timeoutMs: number },
  ): Promise<void> {
    await this.#ask(1, 8);
    const container = this.#find(handle);
    if (container === undefined || container.exit !== null) return;
    this.#engine.signal(container, options.timeoutMs);
    await new Promise<void>((resolve) => {
      container.waiters.add(() => this.#process.run(resolve));
    });
  }

  async destroy(identity: TaskIdentity): Promise<void> {
    await this.#ask(1, 30);
    this.#engine.remove(keyOf(identity));
  }

  async signal(): Promise<void> {
    await this.#ask(1, 5);
  }

  async stats(): Promise<null> {
    return null;
  }

  exec(): Promise<ExecSession> {
    return Promise.reject(new DroverError("unsupported", "nothing to execute in"));
  }

  async list(owner: { clusterId: string; nodeId: string }): Promise<readonly TaskIdentity[]> {
    await this.#ask(1, 10);
    return [...this.#engine.containers.values()]
      .map(({ identity }) => identity)
      .filter((id) => id.clusterId === owner.clusterId && id.nodeId === owner.nodeId);
  }

  async close(): Promise<void> {}

  #find(handle: TaskHandle): Container | undefined {
    const container = this.#engine.containers.get(keyOf(handle.identity));
    return container?.serial === handle.driverState ? container : undefined;
  }

  #pause(minMs: number, maxMs: number): Promise<void> {
    const ms = this.#engine.random.between(minMs, maxMs);
    return new Promise((resolve) => this.#process.after(ms, resolve));
  }

  /** One request to the daemon. */
  async #ask(minMs: number, maxMs: number): Promise<void> {
    await this.#pause(minMs, maxMs);
    this.#mustBeUp();
  }

  #mustBeUp(): void {
    if (this.#engine.up) return;
    const text = "cannot connect to the Docker daemon";
    throw new TaskStartError("daemon", text, { retryable: true });
  }

  /** One pull for all who wait for it; it ends when nobody does. */
  async #join(image: string, signal: AbortSignal): Promise<void> {
    const pull = this.#pulls.get(image) ?? this.#begin(image);
    this.#pulls.set(image, pull);
    pull.waiting += 1;
    const gone = new Promise<never>((_resolve, reject) => {
      const stop = () => reject(aborted());
      if (signal.aborted) stop();
      else signal.addEventListener("abort", stop, { once: true });
    });
    try {
      await Promise.race([pull.done, gone]);
    } finally {
      pull.waiting -= 1;
      if (pull.waiting === 0) {
        if (this.#pulls.get(image) === pull) this.#pulls.delete(image);
        pull.giveUp.abort();
      }
    }
  }

  #begin(image: string): Pull {
    const giveUp = new AbortController();
    const { images, random } = this.#engine;
    const done = this.#pull(random.between(200, 4_000), giveUp.signal).then(() => {
      this.#mustBeUp();
      if (imageKind(image) === "missing") {
        const text = `no such image: ${image}`;
        throw new TaskStartError("no-such-image", text, { retryable: false });
      }
      images.add(image);
    });
    return { done, giveUp, waiting: 0 };
  }

  #pull(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = () => {
        cancel();
        reject(aborted());
      };
      const cancel = this.#process.after(ms, () => {
        signal.removeEventListener("abort", stop);
        resolve();
      });
      if (signal.aborted) stop();
      else signal.addEventListener("abort", stop, { once: true });
    });
  }
}

interface Pull {
  readonly done: Promise<void>;
  readonly giveUp: AbortController;
  waiting: number;
}

/** Of what is fetched ahead. */
const REGISTRY_FAILS = 0.2;

function aborted(): TaskStartError {
  return new TaskStartError("aborted", "the pull was given up", { retryable: true });
}

const GONE: TaskExit = {
  exitCode: -1,
  signal: 0,
  oomKilled: false,
  error: "the container was removed",
  finishedAt: 0,
};

function keyOf(identity: TaskIdentity): string {
  return `drover-${identity.clusterId}-${identity.allocId}-${identity.taskName}`;
}

function imageOf(config: Readonly<Record<string, unknown>>): string {
  if (typeof config.image !== "string") throw new Error("a task without an image");
  return config.image;
}

function handleOf(container: Container): TaskHandle {
  return {
    driver: "docker",
    identity: container.identity,
    driverState: container.serial,
    startedAt: Math.floor(container.startedAt),
  };
}
