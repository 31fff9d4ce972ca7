/**
 * Which allocations go when there are more than wanted (spec §3.8). Those that do not serve come
 * before any that may, whatever their names (DESIGN §7).
 */
import { type Allocation, ClientStatus, isServerTerminal, Serving } from "@drover/model";
import { RANK, type ServingBudget } from "./limit.ts";
import type { NameIndex } from "./name-index.ts";
import { Description, type StopRequest } from "./types.ts";

interface StopInput {
  readonly count: number;
  readonly names: NameIndex;
  readonly untainted: readonly Allocation[];
  readonly migrate: readonly Allocation[];
  readonly lost: readonly Allocation[];
  readonly canaries: readonly Allocation[];
  readonly isCanarying: boolean;
  readonly serves: (alloc: Allocation) => Serving;
  readonly budget: ServingBudget;
}

/** The lost ones always; of the others as many as there are too many. */
export function computeStops(input: StopInput): StopRequest[] {
  const stops: StopRequest[] = input.lost.map((alloc) => ({
    alloc,
    description: Description.lost,
    clientStatus: ClientStatus.lost,
  }));
  const canaryIds = new Set(input.canaries.map((alloc) => alloc.id));
  const known = input.untainted.filter((alloc) => alloc.clientStatus !== ClientStatus.unknown);
  const candidates = input.isCanarying ? known.filter((alloc) => !canaryIds.has(alloc.id)) : known;
  const remove = candidates.length + input.migrate.length - input.count;
  if (remove <= 0) return stops;
  for (const alloc of new Surplus(input, candidates, remove).taken()) {
    if (isServerTerminal(alloc)) continue;
    stops.push({ alloc, description: Description.notNeeded });
  }
  return stops;
}

/** Takes so many, the dispensable ones first. */
class Surplus {
  readonly #input: StopInput;
  readonly #left: Set<Allocation>;
  readonly #migrate: Set<Allocation>;
  readonly #taken: Allocation[] = [];
  #remove: number;

  constructor(input: StopInput, candidates: readonly Allocation[], remove: number) {
    this.#input = input;
    this.#left = new Set(candidates);
    this.#migrate = new Set(input.migrate);
    this.#remove = remove;
  }

  taken(): readonly Allocation[] {
    this.#takeAll(Serving.no);
    this.#takeAll(Serving.unseen);
    for (const alloc of this.#sharingWithCanary()) this.#take(alloc);
    for (const alloc of this.#sharing()) this.#take(alloc);
    // S3: one that must leave its node anyway is not replaced.
    for (const alloc of [...this.#migrate].sort(byNameDown)) this.#take(alloc);
    for (const alloc of [...this.#left].sort(byNameDown)) this.#take(alloc);
    // Whom the floor has spared goes after all when there is nobody else: there are too many.
    const rank = (alloc: Allocation) => RANK[this.#input.serves(alloc)];
    const last = [...this.#left].sort((a, b) => rank(a) - rank(b) || byNameDown(a, b));
    for (const alloc of last) this.#take(alloc, true);
    return this.#taken;
  }

  /** S5 */
  #takeAll(one: Serving): void {
    const isOne = (alloc: Allocation) => this.#input.serves(alloc) === one;
    for (const alloc of this.#sharingWithCanary().filter(isOne)) this.#take(alloc);
    for (const alloc of this.#sharing().filter(isOne)) this.#take(alloc);
    const others = [...this.#left, ...this.#migrate].filter(isOne);
    for (const alloc of others.sort(byNameDown)) this.#take(alloc);
  }

  /** S6: of those that have one name all but the newest. */
  #sharing(): Allocation[] {
    const kept = new Map<string, Allocation>();
    const others: Allocation[] = [];
    for (const alloc of [...this.#left, ...this.#migrate]) {
      const other = kept.get(alloc.name);
      const isNewer = other === undefined || isYounger(alloc, other);
      if (isNewer) kept.set(alloc.name, alloc);
      if (other !== undefined) others.push(isNewer ? other : alloc);
    }
    return others.sort(byNameDown);
  }

  /** S2: a promoted canary takes the place of the older allocation of its name. */
  #sharingWithCanary(): Allocation[] {
    const { canaries, isCanarying } = this.#input;
    if (isCanarying) return [];
    const names = new Set(canaries.map(({ name }) => name));
    const ids = new Set(canaries.map(({ id }) => id));
    return [...this.#left].filter(({ id, name }) => !ids.has(id) && names.has(name));
  }

  #take(alloc: Allocation, isForced = false): void {
    const { budget, names, serves } = this.#input;
    const one = serves(alloc);
    if (this.#remove <= 0 || !(isForced || budget.allows(one))) return;
    if (!this.#left.delete(alloc) && !this.#migrate.delete(alloc)) return;
    budget.take(one);
    names.free(alloc);
    this.#taken.push(alloc);
    this.#remove--;
  }
}

function isYounger(alloc: Allocation, other: Allocation): boolean {
  const byVersion = alloc.jobVersion - other.jobVersion;
  return byVersion === 0 ? alloc.createIndex > other.createIndex : byVersion > 0;
}

const byNameDown = (a: Allocation, b: Allocation) => compareNames(b, a);

function compareNames(a: Allocation, b: Allocation): number {
  const order = a.name.length - b.name.length;
  if (order !== 0) return order;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
