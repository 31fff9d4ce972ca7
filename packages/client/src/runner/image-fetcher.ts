/**
 * Fetches the images that servers say this node will soon need (DESIGN §12.3), so that an update
 * does not wait for them. It answers for nothing: what fails here is only logged, because the
 * allocation that comes asks for its images itself, and joins a pull that is under way.
 */
import type { Clock, Random } from "@drover/base";
import { type FetchRequest, type TaskDriver, TaskStartError } from "@drover/drivers";
import type { Job, Json, Node, Task } from "@drover/model";
import type { PushImageHints } from "@drover/wire";
import { interpolateJson } from "../core/interpolate.ts";
import { lookupAhead } from "../core/task-env.ts";
import type { Log } from "../options.ts";
import { untilDone } from "./retry.ts";

export interface Version {
  readonly job: Job;
  readonly group: string;
}

export interface ImageFetcherDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  node(): Node;
  driver(name: string): TaskDriver | undefined;
  imagesPresent(digests: Readonly<Record<string, string>>): void;
  /** Whether an allocation of it is on this node and not about to stop. */
  isHere(version: Version): boolean;
}

interface Wanted extends Version {
  readonly images: readonly string[];
  readonly request: FetchRequest;
  fetch(request: FetchRequest, signal: AbortSignal): Promise<{ readonly imageDigest: string }>;
}

interface Fetch extends Version {
  readonly controller: AbortController;
}

export class ImageFetcher {
  readonly #deps: ImageFetcherDeps;
  #wanted: ReadonlyMap<string, Wanted> = new Map();
  /** Begun since they are wanted, and perhaps over. */
  readonly #fetches = new Map<string, Fetch>();
  #closed = false;

  constructor(deps: ImageFetcherDeps) {
    this.#deps = deps;
  }

  /** All that the servers hint at now. */
  want({ hints }: PushImageHints): void {
    // The session ends after what it tells of.
    if (this.#closed) return;
    const wanted = new Map<string, Wanted>();
    for (const { job, taskGroup, tasks } of hints) {
      const version = { job: job as Job, group: taskGroup };
      for (const task of tasks) this.#add(wanted, version, task);
    }
    this.#wanted = wanted;
    for (const [key, each] of wanted) if (!this.#fetches.has(key)) this.#begin(key, each);
    this.review();
  }

  /**
   * Gives up what nobody wants any more; to be called when allocations have changed. A hint goes
   * when its allocation comes, which needs the same image.
   */
  review(): void {
    for (const [key, fetch] of this.#fetches) {
      if (this.#wanted.has(key) || this.#deps.isHere(fetch)) continue;
      this.#fetches.delete(key);
      fetch.controller.abort();
    }
  }

  close(): void {
    this.#closed = true;
    this.#wanted = new Map();
    for (const { controller } of this.#fetches.values()) controller.abort();
    this.#fetches.clear();
  }

  #add(wanted: Map<string, Wanted>, version: Version, name: string): void {
    const group = version.job.taskGroups.find((each) => each.name === version.group);
    const task = group?.tasks.find((each) => each.name === name);
    if (group === undefined || task === undefined) return;
    const driver = this.#deps.driver(task.driver);
    if (driver?.fetch === undefined) return;
    const lookup = lookupAhead({ job: version.job, group, task, node: this.#deps.node() });
    const config = configOf(task, lookup);
    const images = driver.images(config);
    // What only an allocation can name, it fetches itself.
    if (images.length === 0 || images.some((image) => image.includes("${"))) return;
    const imageDigest = version.job.imageDigests[images[0] ?? ""] ?? "";
    // A tag may have moved between two versions, or a revert mean an earlier one.
    wanted.set(`${driver.name} ${imageDigest} ${images.join(" ")}`, {
      ...version,
      images,
      request: { config, imageDigest },
      fetch: driver.fetch.bind(driver),
    });
  }

  #begin(key: string, wanted: Wanted): void {
    const { group, images, job } = wanted;
    const controller = new AbortController();
    this.#fetches.set(key, { job, group, controller });
    this.#deps.log("debug", "fetching images ahead", { job: job.id, images });
    void this.#run(wanted, controller.signal);
  }

  async #run({ fetch, images, request }: Wanted, closed: AbortSignal): Promise<void> {
    const { clock, log, random } = this.#deps;
    const what = `fetching ${images.join()} ahead`;
    const quiet: Log = (_level, message, fields) => log("info", message, fields);
    const done = await untilDone({ clock, random, closed, log: quiet }, what, async () => {
      try {
        return await fetch(request, closed);
      } catch (error) {
        if (!(error instanceof TaskStartError) || error.retryable) throw error;
        log("info", `${what} failed`, { error: error.message });
        return null;
      }
    });
    const digest = done?.value?.imageDigest ?? "";
    if (digest === "") return;
    this.#deps.imagesPresent(Object.fromEntries(images.map((image) => [image, digest])));
  }
}

function configOf(task: Task, lookup: ReadonlyMap<string, string>): Record<string, Json> {
  return interpolateJson(task.config ?? {}, lookup) as Record<string, Json>;
}
