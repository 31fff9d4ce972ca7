/** Which indexes of `job.group[i]` are taken (spec §3.6). */
import { type Allocation, allocIndex } from "@drover/model";

export class NameIndex {
  readonly #prefix: string;
  readonly #count: number;
  readonly #used = new Set<number>();
  readonly #duplicates = new Set<number>();

  constructor(scope: { readonly jobId: string; readonly group: string; readonly count: number }) {
    this.#prefix = `${scope.jobId}.${scope.group}`;
    this.#count = scope.count;
  }

  add({ name }: Allocation): void {
    const index = allocIndex(name);
    if (index < 0) return;
    if (this.#used.has(index)) this.#duplicates.add(index);
    this.#used.add(index);
  }

  nameOf(index: number): string {
    return `${this.#prefix}[${index}]`;
  }

  isDuplicate(name: string): boolean {
    return this.#duplicates.has(allocIndex(name));
  }

  /** The `n` smallest free names below the count; when those run out, names are used twice. */
  next(n: number): string[] {
    const names: string[] = [];
    for (let i = 0; i < this.#count && names.length < n; i++) {
      if (this.#used.has(i)) continue;
      this.#used.add(i);
      names.push(this.nameOf(i));
    }
    for (let i = 0; names.length < n; i++) {
      this.#used.add(i);
      names.push(this.nameOf(i));
    }
    return names;
  }

  /**
   * N5: the name under which an allocation is replaced. One that shares its name, with a promoted
   * canary say, takes a free one: the group has grown, and nothing else would take that. So does
   * one whose name lies beyond the count, because others have gone before it (S5).
   */
  forReplacement(alloc: Allocation): string {
    const isBeyond = allocIndex(alloc.name) >= this.#count;
    if (!isBeyond && !this.isDuplicate(alloc.name)) return alloc.name;
    for (let i = 0; i < this.#count; i++) {
      if (this.#used.has(i)) continue;
      this.#used.add(i);
      return this.nameOf(i);
    }
    return alloc.name;
  }

  /** Canaries take names they will replace, then free ones, then names past the count. */
  nextCanaries(
    n: number,
    lists: {
      readonly existing: readonly Allocation[];
      readonly destructive: readonly Allocation[];
    },
  ): string[] {
    const taken = new Set(lists.existing.map((alloc) => allocIndex(alloc.name)));
    const replaced = lists.destructive
      .map((alloc) => allocIndex(alloc.name))
      .filter((index) => index >= 0 && index < this.#count)
      .sort((a, b) => a - b);
    const indexes: number[] = [];
    const take = (index: number) => {
      if (indexes.length >= n || taken.has(index)) return;
      taken.add(index);
      this.#used.add(index);
      indexes.push(index);
    };
    for (const index of replaced) take(index);
    for (let i = 0; i < this.#count && indexes.length < n; i++) if (!this.#used.has(i)) take(i);
    for (let i = this.#count; indexes.length < n; i++) take(i);
    return indexes.map((index) => this.nameOf(index));
  }

  /** The `n` highest used names; they are free afterwards. */
  highest(n: number): Set<string> {
    const indexes = [...this.#used].sort((a, b) => b - a).slice(0, Math.max(0, n));
    for (const index of indexes) this.#used.delete(index);
    return new Set(indexes.map((index) => this.nameOf(index)));
  }

  free(names: Iterable<string>): void {
    for (const name of names) this.#used.delete(allocIndex(name));
  }
}
