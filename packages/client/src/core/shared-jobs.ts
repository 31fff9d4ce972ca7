/**
 * Each allocation comes off the wire with a copy of its job. Those of one version share one here:
 * a node with a hundred of them keeps its job once, and writes its text once.
 */
import { deepEqual, type Job } from "@drover/model";

/** Versions that are pushed again and again; an older one is only kept twice. */
const VERSIONS_MAX = 64;

export class SharedJobs {
  readonly #known = new Map<string, Job>();

  /** The one that was given first, or the one given now if anything has changed in it. */
  share(job: Job): Job {
    const key = [job.namespace, job.id, job.version].join("\0");
    const found = this.#known.get(key);
    const known = found !== undefined && deepEqual(found, job) ? found : job;
    // The latest used are at the end.
    this.#known.delete(key);
    this.#known.set(key, known);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= VERSIONS_MAX) break;
      this.#known.delete(oldest);
    }
    return known;
  }
}
