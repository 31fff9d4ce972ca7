/** Long work in short stretches (DESIGN §7): who drives it may pause at each yield. */
import type { Slices } from "./scheduler.ts";

/** So many items are looked at before others may get their turn. */
const ITEMS = 250;

/** `size`: of a stretch, where an item takes longer than a look at it. */
export function* inSlices<T>(
  items: Iterable<T>,
  visit: (item: T) => void,
  size: number = ITEMS,
): Slices<void> {
  let left = size;
  for (const item of items) {
    visit(item);
    if (--left > 0) continue;
    left = size;
    yield;
  }
}

type Compare<T> = (a: T, b: T) => number;

/** A stable sort: short runs by themselves, then merged two by two. */
export function* sortInSlices<T>(items: readonly T[], compare: Compare<T>): Slices<readonly T[]> {
  let runs: (readonly T[])[] = [];
  for (let at = 0; at < items.length; at += ITEMS) {
    runs.push(items.slice(at, at + ITEMS).sort(compare));
    yield;
  }
  while (runs.length > 1) {
    const merged: (readonly T[])[] = [];
    for (let at = 0; at < runs.length; at += 2) {
      merged.push(yield* merge(runs[at] ?? [], runs[at + 1] ?? [], compare));
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

function* merge<T>(
  left: readonly T[],
  right: readonly T[],
  compare: Compare<T>,
): Slices<readonly T[]> {
  const merged: T[] = [];
  let ahead = 0;
  const goOn = (one: T) => {
    for (let other = right[ahead]; ahead < right.length; other = right[++ahead]) {
      if (compare(other as T, one) >= 0) break;
      merged.push(other as T);
    }
    merged.push(one);
  };
  yield* inSlices(left, goOn);
  return merged.concat(right.slice(ahead));
}

/** For who may keep others waiting: all stretches at once. */
export function endOf<R>(slices: Slices<R>): R {
  for (;;) {
    const { done, value } = slices.next();
    if (done) return value;
  }
}
