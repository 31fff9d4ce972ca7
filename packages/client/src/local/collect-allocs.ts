/**
 * Removes the directories of allocations that have ended; their records stay. Removals load the
 * file system's journal, and what is being started would wait behind them: so they come when no
 * allocation has ended for a second, one after another, each directory once.
 */
import { type Clock, errorText } from "@drover/base";
import type { Log } from "../options.ts";
import type { AllocRecord } from "../state/alloc-record.ts";

const SETTLE_MS = 1000;
/** A node where something ends all the time must not fill its disk. */
const DELAY_MAX_MS = 30_000;

export interface EndedAlloc {
  readonly record: AllocRecord;
  removeFiles(): Promise<void>;
}

export interface CollectorDeps<A extends EndedAlloc> {
  readonly clock: Clock;
  readonly log: Log;
  readonly allocs: () => Iterable<A>;
  /** Directories of ended allocations that are kept. */
  readonly keep: number;
}

export class AllocCollector<A extends EndedAlloc> {
  readonly #deps: CollectorDeps<A>;
  readonly #removed = new WeakSet<A>();
  #cancel: (() => void) | null = null;
  /** When the first of those that wait has ended, epoch ms. */
  #since = 0;
  /** Passes come one after another. */
  #pass: Promise<void> = Promise.resolve();

  constructor(deps: CollectorDeps<A>) {
    this.#deps = deps;
  }

  /** An allocation has ended. */
  ended(): void {
    const { clock, keep } = this.#deps;
    const now = clock.now();
    if (this.#cancel === null) this.#since = now;
    this.#cancel?.();
    const at = Math.min(now + SETTLE_MS, this.#since + DELAY_MAX_MS);
    this.#cancel = clock.setTimer(at, () => {
      this.#cancel = null;
      void this.collect(keep);
    });
  }

  /** At once: all but the latest `keep`, or of those only the one named. */
  collect(keep: number, only = ""): Promise<void> {
    this.#pass = this.#pass.then(() => this.#collect(keep, only));
    return this.#pass;
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  async #collect(keep: number, only: string): Promise<void> {
    for (const alloc of beyond([...this.#deps.allocs()], keep)) {
      const { id } = alloc.record.alloc;
      if (this.#removed.has(alloc) || (only !== "" && id !== only)) continue;
      try {
        await alloc.removeFiles();
        this.#removed.add(alloc);
      } catch (error) {
        const fields = { allocId: id, error: errorText(error) };
        this.#deps.log("warn", "removing an allocation's files failed", fields);
      }
    }
  }
}

/** The ended ones without the latest `keep`, oldest end first. */
function beyond<A extends EndedAlloc>(allocs: readonly A[], keep: number): A[] {
  const ended = allocs.filter(({ record }) => record.stage.kind === "done");
  ended.sort((a, b) => endedAt(a.record) - endedAt(b.record));
  return ended.slice(0, Math.max(0, ended.length - keep));
}

function endedAt(record: AllocRecord): number {
  return Math.max(0, ...Object.values(record.tasks).map((run) => run.state.finishedAt));
}
