/**
 * The highest (epoch, index) that any server has shown this node (DESIGN §8). A server that is
 * behind it must catch up before it may serve the session.
 */
import type { Clock } from "@drover/base";
import type { ClientDisk } from "./client-disk.ts";

/** A push is followed by starts and stops, whose own writes must not stand behind this one's. */
const SAVE_LATER_MS = 500;

export interface Seen {
  readonly clusterId: string;
  readonly epoch: number;
  readonly index: number;
}

interface SeenDeps {
  readonly clock: Clock;
  readonly disk: ClientDisk;
}

export class SeenIndex {
  readonly #path: string;
  readonly #deps: SeenDeps;
  #seen: Seen;
  #writing: Promise<void> = Promise.resolve();
  #dirty = false;
  #hurry: () => void = () => undefined;

  constructor(path: string, seen: Seen, deps: SeenDeps) {
    this.#path = path;
    this.#deps = deps;
    this.#seen = seen;
  }

  static async load(path: string, clusterId: string, deps: SeenDeps): Promise<SeenIndex> {
    const text = await deps.disk.read(path);
    const stored = text === null ? null : (JSON.parse(text) as Seen);
    const same = stored !== null && (clusterId === "" || stored.clusterId === clusterId);
    return new SeenIndex(path, same ? stored : { clusterId, epoch: 0, index: 0 }, deps);
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
    this.#hurry();
    return this.#writing;
  }

  #save(): void {
    if (this.#dirty) return;
    this.#dirty = true;
    const { clock, disk } = this.#deps;
    const later = new Promise<void>((resolve) => {
      const cancel = clock.setTimer(clock.now() + SAVE_LATER_MS, resolve);
      // Cut short by `settled`.
      this.#hurry = () => {
        cancel();
        resolve();
      };
    });
    this.#writing = this.#writing
      .then(() => later)
      .then(() => {
        this.#dirty = false;
        return disk.write(this.#path, JSON.stringify(this.#seen));
      });
  }
}
