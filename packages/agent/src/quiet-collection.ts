/**
 * Gives back what a burst has left behind (ADR 0010). Under load the young generation may grow, and
 * the old one is collected when it has doubled; in the quiet that follows nothing is allocated, so
 * the engine would keep all of it. A collection at that moment disturbs nobody.
 */
import {
  constants,
  type NodeGCPerformanceDetail,
  type PerformanceEntry,
  PerformanceObserver,
} from "node:perf_hooks";
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** So long without any collection: nothing is going on. */
const QUIET_MS = 5_000;
/** After fewer there is little to give back. The start of an agent alone makes more. */
const COLLECTIONS_MIN = 8;
/** A collection takes a millisecond or two per megabyte that lives, and heartbeats wait for it. */
const LIVE_BYTES_MAX = 128 << 20;

type Collect = (options: { readonly type: "major"; readonly flavor: "last-resort" }) => void;

/** The declaration of the entry does not have what belongs to its type. */
type Collected = PerformanceEntry & { readonly detail: NodeGCPerformanceDetail };

/** From here on; returns the end of it. */
export function collectWhenQuiet(
  collect: () => void = collectAll,
  { quietMs = QUIET_MS, heapBytes = () => getHeapStatistics().used_heap_size } = {},
): () => void {
  let seen = COLLECTIONS_MIN;
  /** As the engine's last whole collection left it: what is in use now has garbage in it. */
  let liveBytes = 0;
  let lastAt = performance.now();
  let timer: NodeJS.Timeout | null = null;
  const arm = (delayMs: number) => {
    timer = setTimeout(look, delayMs);
    timer.unref();
  };
  const look = () => {
    timer = null;
    const leftMs = lastAt + quietMs - performance.now();
    if (leftMs > 0) {
      arm(leftMs);
      return;
    }
    if (seen < COLLECTIONS_MIN || (liveBytes || heapBytes()) > LIVE_BYTES_MAX) return;
    collect();
    liveBytes = heapBytes();
    seen = 0;
    lastAt = performance.now();
  };
  const observer = new PerformanceObserver((list) => {
    for (const { startTime, detail } of list.getEntries() as unknown as readonly Collected[]) {
      // What our own collection consists of is told after it.
      if (startTime <= lastAt) continue;
      lastAt = startTime;
      seen += 1;
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) liveBytes = heapBytes();
    }
    if (timer === null && seen >= COLLECTIONS_MIN) arm(quietMs);
  });
  observer.observe({ entryTypes: ["gc"] });
  arm(quietMs);
  return () => {
    observer.disconnect();
    if (timer !== null) clearTimeout(timer);
  };
}

/** The engine's whole collection, which gives memory back to the system; its flag hides it. */
function collectAll(): void {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as Collect;
  setFlagsFromString("--no-expose-gc");
  gc({ type: "major", flavor: "last-resort" });
}
