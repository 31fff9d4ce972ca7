/** Which allocations go when there are more than wanted (spec §3.8). */
import { type Allocation, ClientStatus, isServerTerminal } from "@drover/model";
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
  let remove = candidates.length + input.migrate.length - input.count;
  if (remove <= 0) return stops;
  const left = new Map(candidates.map((alloc) => [alloc.id, alloc]));
  const take = (alloc: Allocation) => {
    left.delete(alloc.id);
    remove--;
    if (isServerTerminal(alloc)) return;
    stops.push({ alloc, description: Description.notNeeded });
  };
  takeReplacedByCanaries(input, left, () => remove > 0, take);
  takeMigrating(input, () => remove > 0, take);
  takeHighest(input, left, remove, take);
  for (const alloc of left.values()) {
    if (remove <= 0) break;
    take(alloc);
  }
  return stops;
}

/** S2: a promoted canary takes the place of the older allocation of its name. */
function takeReplacedByCanaries(
  { canaries, isCanarying }: StopInput,
  left: ReadonlyMap<string, Allocation>,
  isMore: () => boolean,
  take: (alloc: Allocation) => void,
): void {
  if (isCanarying || canaries.length === 0) return;
  const canaryIds = new Set(canaries.map((alloc) => alloc.id));
  const canaryNames = new Set(canaries.map((alloc) => alloc.name));
  for (const alloc of [...left.values()]) {
    if (!isMore()) return;
    if (canaryIds.has(alloc.id) || !canaryNames.has(alloc.name)) continue;
    take(alloc);
  }
}

/** S3: one that must leave its node anyway is not replaced. */
function takeMigrating(
  { migrate, names }: StopInput,
  isMore: () => boolean,
  take: (alloc: Allocation) => void,
): void {
  if (migrate.length === 0 || !isMore()) return;
  const byName = migrate.toSorted((a, b) => compareNames(b, a));
  for (const alloc of byName) {
    if (!isMore()) return;
    take(alloc);
    names.free([alloc.name]);
  }
}

/** S4: the highest names go first. */
function takeHighest(
  { names }: StopInput,
  left: ReadonlyMap<string, Allocation>,
  remove: number,
  take: (alloc: Allocation) => void,
): void {
  if (remove <= 0) return;
  let budget = remove;
  const highest = names.highest(remove);
  for (const alloc of [...left.values()]) {
    if (budget <= 0) return;
    if (!highest.has(alloc.name)) continue;
    take(alloc);
    budget--;
  }
}

function compareNames(a: Allocation, b: Allocation): number {
  const order = a.name.length - b.name.length;
  if (order !== 0) return order;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
