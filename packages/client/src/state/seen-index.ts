/**
 * The highest (epoch, index) that any server has shown this node (DESIGN §8). A server that is
 * behind it must catch up before it may serve the session.
 */
import { readIfExists, writeAtomic } from "./atomic-file.ts";

export interface Seen {
  readonly clusterId: string;
  readonly epoch: number;
  readonly index: number;
}

export class SeenIndex {
  readonly #path: string;
  #seen: Seen;
  #writing: Promise<void> = Promise.resolve();
  #dirty = false;

  constructor(path: string, seen: Seen) {
    this.#path = path;
    this.#seen = seen;
  }

  static async load(path: string, clusterId: string): Promise<SeenIndex> {
    const text = await readIfExists(path);
    const stored = text === null ? null : (JSON.parse(text) as Seen);
    const same = stored !== null && (clusterId === "" || stored.clusterId === clusterId);
    return new SeenIndex(path, same ? stored : { clusterId, epoch: 0, index: 0 });
  }

  get current(): Seen {
    return this.#seen;
  }

  /** False: older than what was seen, or another cluster's; must not be acted on. */
  accept(next: Seen): boolean {
    const seen = this.#seen;
    if (seen.clusterId !== "" && next.clusterId !== seen.clusterId) return false;
    if (next.epoch < seen.epoch) return false;
    if (next.epoch === seen.epoch && next.index < seen.index) return false;
    this.#seen = next;
    this.#save();
    return true;
  }

  /** Resolves when the newest value is on disk. Losing it costs nothing but a stale first push. */
  settled(): Promise<void> {
    return this.#writing;
  }

  #save(): void {
    if (this.#dirty) return;
    this.#dirty = true;
    this.#writing = this.#writing.then(() => {
      this.#dirty = false;
      return writeAtomic(this.#path, JSON.stringify(this.#seen));
    });
  }
}
