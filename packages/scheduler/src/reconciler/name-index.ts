/** Which indexes of `job.group[i]` are taken (spec §3.6). */
import { type Allocation, allocIndex } from "@drover/model";

export class NameIndex {
  readonly #prefix: string;
  readonly #count: number;
  /** Index → how many have it. */
  readonly #users = new Map<number, number>();

  constructor(scope: { readonly jobId: string; readonly group: string; readonly count: number }) {
    this.#prefix = `${scope.jobId}.${scope.group}`;
    this.#count = scope.count;
  }

  add({ name }: Allocation): void {
    const index = allocIndex(name);
    if (index >= 0) this.#use(index);
  }

  /** One of those that have the name goes. */
  free({ name }: Allocation): void {
    const index = allocIndex(name);
    const left = (this.#users.get(index) ?? 0) - 1;
    if (left > 0) this.#users.set(index, left);
    else this.#users.delete(index);
  }

  #use(index: number): string {
    this.#users.set(index, (this.#users.get(index) ?? 0) + 1);
    return this.nameOf(index);
  }

  nameOf(index: number): string {
    return `${this.#prefix}[${index}]`;
  }

  isDuplicate(name: string): boolean {
    return (this.#users.get(allocIndex(name)) ?? 0) > 1;
  }

  /** The `n` smallest free names below the count; when those run out, names are used twice. */
  next(n: number): string[] {
    const names: string[] = [];
    for (let i = 0; i < this.#count && names.length < n; i++) {
      if (!this.#users.has(i)) names.push(this.#use(i));
    }
    for (let i = 0; names.length < n; i++) names.push(this.#use(i));
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
      if (this.#users.has(i)) continue;
      this.free(alloc);
      return this.#use(i);
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
      // It will be the other one's: until then they are two, and none of them moves.
      if (!this.#users.has(index)) this.#use(index);
      indexes.push(index);
    };
    for (const index of replaced) take(index);
    for (let i = 0; i < this.#count && indexes.length < n; i++) if (!this.#users.has(i)) take(i);
    for (let i = this.#count; indexes.length < n; i++) take(i);
    return indexes.map((index) => this.nameOf(index));
  }
}
