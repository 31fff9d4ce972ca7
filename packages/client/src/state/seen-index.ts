/**
 * The highest (epoch, index) that any server has shown this node (DESIGN §8). A server that is
 * behind it must catch up before it may serve the session.
 */
import { setTimeout as delay } from "node:timers/promises";
import { readIfExists, writeAtomic } from "./atomic-file.ts";

/** A push is followed by starts and stops, whose own writes must not stand behind this one's. */
const SAVE_LATER_MS = 500;

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
  #hurry = new AbortController();

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

  /**
   * Writes the newest value and resolves when it is on disk. Losing it costs nothing but a stale
   * first push.
   */
  settled(): Promise<void> {
    this.#hurry.abort();
    return this.#writing;
  }

  #save(): void {
    if (this.#dirty) return;
    this.#dirty = true;
    this.#hurry = new AbortController();
    const { signal } = this.#hurry;
    this.#writing = this.#writing
      // Cut short by `settled`.
      .then(() => Promise.allSettled([delay(SAVE_LATER_MS, undefined, { signal })]))
      .then(() => {
        this.#dirty = false;
        return writeAtomic(this.#path, JSON.stringify(this.#seen));
      });
  }
}
