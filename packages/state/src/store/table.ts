/**
 * One ordered table of the replicated state. Copy-on-write: `clone()` is O(1), and writing to the
 * live table afterwards leaves the clone as it was, so a snapshot is safe across awaits.
 */
import sortedBtree from "sorted-btree";
import { afterBelow, below } from "./keys.ts";

const BTree = sortedBtree.default;
type Tree<V> = InstanceType<typeof BTree<string, V>>;

function compareKeys(a: string, b: string): number {
  if (a < b) return -1;
  return a > b ? 1 : 0;
}

export class Table<V> {
  readonly #tree: Tree<V>;

  constructor(tree: Tree<V> = new BTree<string, V>(undefined, compareKeys)) {
    this.#tree = tree;
  }

  get size(): number {
    return this.#tree.size;
  }

  get(key: string): V | undefined {
    return this.#tree.get(key);
  }

  has(key: string): boolean {
    return this.#tree.has(key);
  }

  set(key: string, value: V): void {
    this.#tree.set(key, value);
  }

  delete(key: string): void {
    this.#tree.delete(key);
  }

  clone(): Table<V> {
    return new Table(this.#tree.clone());
  }

  /** In key order; the table must not be written to while this is being read. */
  *entries(prefix = ""): Generator<[string, V]> {
    for (const [key, value] of this.#tree.entries(prefix === "" ? undefined : prefix)) {
      if (!key.startsWith(prefix)) return;
      yield [key, value];
    }
  }

  *values(prefix = ""): Generator<V> {
    for (const [, value] of this.entries(prefix)) yield value;
  }

  /** All values below `key` at once: several times cheaper than stepping through them. */
  listBelow(key: string): V[] {
    const found: V[] = [];
    this.#tree.forRange(below(key), afterBelow(key), false, (_key, value) => {
      found.push(value);
    });
    return found;
  }

  first(): [string, V] | undefined {
    const key = this.#tree.minKey();
    return key === undefined ? undefined : [key, this.#tree.get(key) as V];
  }
}
