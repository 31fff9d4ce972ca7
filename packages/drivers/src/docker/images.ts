/**
 * Images: what is present is used as it is, what is missing is pulled once however many tasks
 * ask for it. The digest a first start resolved to pins every later one (DESIGN §12.7).
 */
import { errorText } from "@drover/base";
import type Docker from "dockerode";
import { type DriverEventSink, TaskStartError } from "../task-driver.ts";
import type { DockerConfig } from "./config.ts";
import type { DockerEngine } from "./engine.ts";
import { isUnreachable, pullError, statusOf, unavailable } from "./errors.ts";
import { KnownImages } from "./known-images.ts";

export interface ResolvedImage {
  /** What to create the container from: the written name, or an id or digest when pinned. */
  readonly ref: string;
  /** `repository@sha256:…` or `sha256:…`; see PreparedTask. */
  readonly digest: string;
}

export class DockerImages {
  readonly #engine: DockerEngine;
  readonly #known: KnownImages;
  readonly #pulls = new Map<string, Pull>();

  constructor(engine: DockerEngine) {
    this.#engine = engine;
    this.#known = new KnownImages(engine);
  }

  close(): void {
    this.#known.close();
  }

  /** The engine did not have an image that it should have. */
  forget(): void {
    this.#known.forget();
  }

  /** Throws TaskStartError. `pinned` is an earlier digest, "" = resolve the name. */
  async ensure(
    config: DockerConfig,
    pinned: string,
    events: DriverEventSink,
    signal: AbortSignal,
  ): Promise<ResolvedImage> {
    const image = withTag(config.image);
    if (pinned !== "") {
      const found = await this.#ensurePinned(config, pinned, events, signal);
      if (found !== null) return found;
    }
    const mustPull = config.forcePull || image.endsWith(":latest");
    const local = await this.#inspect(image);
    if (local !== null && !mustPull) return { ref: image, digest: digestOf(image, local) };
    try {
      await this.#pull(image, config, events, signal);
    } catch (error) {
      // "latest" asks for the newest there is; without a registry that is the one we have.
      if (local === null || config.forcePull || signal.aborted) throw error;
      events({ message: "Using local image", details: { image, reason: errorText(error) } });
      return { ref: image, digest: digestOf(image, local) };
    }
    const pulled = await this.#inspect(image);
    if (pulled === null) {
      const text = `Failed to pull \`${image}\`: the image is missing after the pull`;
      throw new TaskStartError("image-pull-failed", text, { retryable: true });
    }
    return { ref: image, digest: digestOf(image, pulled) };
  }

  /** null when the pin is a bare id that this engine does not have: only its tag can help then. */
  async #ensurePinned(
    config: DockerConfig,
    pinned: string,
    events: DriverEventSink,
    signal: AbortSignal,
  ): Promise<ResolvedImage | null> {
    // Never by the name, which may come to mean another image before the container is created.
    const isHere = await this.#orMissing(pinned, () => this.#known.has(pinned));
    if (isHere) return { ref: pinned, digest: pinned };
    if (pinned.startsWith("sha256:")) return null;
    await this.#pull(pinned, config, events, signal);
    return { ref: pinned, digest: pinned };
  }

  #inspect(image: string): Promise<Docker.ImageInspectInfo | null> {
    return this.#orMissing(image, () => {
      return this.#engine.call((docker) => docker.getImage(image).inspect());
    });
  }

  /** null when the engine does not have it. Throws TaskStartError. */
  async #orMissing<T>(image: string, ask: () => Promise<T>): Promise<T | null> {
    try {
      return await ask();
    } catch (error) {
      if (statusOf(error) === 404) return null;
      if (isUnreachable(error)) throw unavailable(error);
      throw pullError(image, error, { hasRegistry: hasRegistryHost(image) });
    }
  }

  async #pull(
    image: string,
    config: DockerConfig,
    events: DriverEventSink,
    signal: AbortSignal,
  ): Promise<void> {
    events({ message: "Downloading image", details: { image } });
    const pull = this.#pulls.get(image) ?? startPull(this.#engine, image, config);
    this.#pulls.set(image, pull);
    const forget = () => {
      if (this.#pulls.get(image) === pull) this.#pulls.delete(image);
    };
    if (pull.waiting === 0) pull.done.then(forget, forget);
    pull.waiting++;
    try {
      await unlessAborted(pull.done, signal);
    } finally {
      pull.waiting--;
      // Nobody is left who wants it; whoever comes now must not join what is given up.
      if (pull.waiting === 0) {
        pull.controller.abort();
        forget();
      }
    }
  }
}

interface Pull {
  readonly done: Promise<void>;
  readonly controller: AbortController;
  waiting: number;
}

function startPull(engine: DockerEngine, image: string, config: DockerConfig): Pull {
  const controller = new AbortController();
  return { done: pullImage(engine, image, config, controller), controller, waiting: 0 };
}

async function pullImage(
  engine: DockerEngine,
  image: string,
  config: DockerConfig,
  controller: AbortController,
): Promise<void> {
  const hasRegistry = hasRegistryHost(image);
  const limit = new IdleLimit(config.imagePullTimeoutMs, controller);
  try {
    await pullOnce(engine, image, { auth: authOf(config), controller, limit });
  } catch (error) {
    if (limit.expired) {
      const text = `Failed to pull \`${image}\`: no progress for ${config.imagePullTimeoutMs} ms`;
      throw new TaskStartError("image-pull-failed", text, { retryable: true, cause: error });
    }
    if (!config.authSoftFail || config.auth === null)
      throw pullError(image, error, { hasRegistry });
    await pullOnce(engine, image, { auth: undefined, controller, limit }).catch((second) => {
      throw pullError(image, second, { hasRegistry });
    });
  } finally {
    limit.stop();
  }
}

async function pullOnce(
  engine: DockerEngine,
  image: string,
  options: {
    auth: Docker.AuthConfig | undefined;
    controller: AbortController;
    limit: IdleLimit;
  },
): Promise<void> {
  const docker = await engine.client();
  const stream = await docker.pull(image, {
    authconfig: options.auth,
    abortSignal: options.controller.signal,
  });
  await new Promise<void>((resolve, reject) => {
    stream.once("error", reject);
    stream.once("close", () => reject(new Error("the connection to Docker broke")));
    docker.modem.followProgress(
      stream,
      (error: Error | null) => (error === null ? resolve() : reject(asDaemonError(error))),
      () => options.limit.progress(),
    );
  });
}

/** An error inside the progress stream is the daemon's answer although its status was 200. */
function asDaemonError(error: Error): Error {
  return Object.assign(new Error(error.message, { cause: error }), { statusCode: 500 });
}

/** Aborts a pull that shows no progress for `idleMs`. */
class IdleLimit {
  readonly #idleMs: number;
  readonly #controller: AbortController;
  #timer: NodeJS.Timeout | undefined;
  expired = false;

  constructor(idleMs: number, controller: AbortController) {
    this.#idleMs = idleMs;
    this.#controller = controller;
    this.progress();
  }

  progress(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.expired = true;
      this.#controller.abort();
    }, this.#idleMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

function authOf(config: DockerConfig): Docker.AuthConfig | undefined {
  if (config.auth === null) return undefined;
  const { username, password, email, serverAddress } = config.auth;
  return { username, password, email, serveraddress: serverAddress };
}

function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** `web` → `web:latest`; a name with a tag or digest stays. */
export function withTag(image: string): string {
  if (image.includes("@")) return image;
  const lastPart = image.slice(image.lastIndexOf("/") + 1);
  return lastPart.includes(":") ? image : `${image}:latest`;
}

/** A first part with a dot or a port, or `localhost`, is a registry's host. */
export function hasRegistryHost(image: string): boolean {
  const slash = image.indexOf("/");
  if (slash < 0) return false;
  const first = image.slice(0, slash);
  return first.includes(".") || first.includes(":") || first === "localhost";
}

/** A registry's digest of this repository where there is one, the local id otherwise. */
export function digestOf(
  image: string,
  info: { readonly Id: string; readonly RepoDigests?: readonly string[] | null },
): string {
  const repository = repositoryOf(image);
  const found = (info.RepoDigests ?? []).find((d) => d.slice(0, d.indexOf("@")) === repository);
  return found ?? info.Id;
}

function repositoryOf(image: string): string {
  const plain = image.split("@", 1)[0] ?? image;
  const slash = plain.lastIndexOf("/");
  const colon = plain.indexOf(":", slash + 1);
  return colon < 0 ? plain : plain.slice(0, colon);
}
