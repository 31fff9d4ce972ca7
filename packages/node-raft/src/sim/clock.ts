/** Simulated time: a queue of events by time, then by order of planning. */
interface Planned {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
  cancelled: boolean;
}

export class SimClock {
  now = 0;
  events = 0;
  #order = 0;
  /** Binary heap. */
  readonly #heap: Planned[] = [];

  /** Returns the cancellation. */
  after(ms: number, fn: () => void): () => void {
    this.#order += 1;
    const planned = { at: this.now + ms, order: this.#order, fn, cancelled: false };
    this.#push(planned);
    return () => {
      planned.cancelled = true;
    };
  }

  /** Runs the next event; false when none is due before `until`. */
  step(until: number): boolean {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.at > until) return false;
      this.#pop();
      if (next.cancelled) continue;
      this.now = next.at;
      this.events += 1;
      next.fn();
      return true;
    }
  }

  #push(item: Planned): void {
    const heap = this.#heap;
    let at = heap.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(item, heap[parent] as Planned)) break;
      heap[at] = heap[parent] as Planned;
      at = parent;
    }
    heap[at] = item;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Planned;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = child + 1;
      if (right < heap.length && isBefore(heap[right] as Planned, heap[child] as Planned)) {
        child = right;
      }
      if (!isBefore(heap[child] as Planned, last)) break;
      heap[at] = heap[child] as Planned;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Planned, b: Planned): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
