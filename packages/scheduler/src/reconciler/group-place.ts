/** Second half of a group's pass: what goes, what is compared, what is missing (spec §3.3). */
import { type Allocation, ClientStatus, Serving } from "@drover/model";
import { isCanary } from "./alloc-facts.ts";
import { hasUpdateStrategy, ServingBudget } from "./limit.ts";
import { NameIndex } from "./name-index.ts";
import { isCanarying, type Pass, servingOf, stopUnneeded } from "./pass.ts";
import { computeStops } from "./stops.ts";
import { Description, PlaceKind, type PlaceRequest } from "./types.ts";
import { decideUpdates, type Updates } from "./updates.ts";
import { HeldBy } from "./why-group.ts";

/** G11 */
export function indexNames(pass: Pass): NameIndex {
  const { group, job } = pass;
  const names = new NameIndex({ jobId: job.id, group: group.name, count: group.count });
  names.add(pass.untainted);
  names.add(pass.migrate);
  names.add(pass.movingCanaries);
  names.add(pass.rescheduleNow);
  names.add(pass.disconnected);
  names.add(pass.lost);
  return names;
}

/** G13 */
export function stopSurplus(pass: Pass, names: NameIndex, isCanaryPhase: boolean): void {
  const { canaries, draft, group, lost, migrate, pairs, untainted } = pass;
  const serves = surplusServing(pass);
  const budget = new ServingBudget(group, [...untainted, ...migrate].map(serves));
  const stops = computeStops({
    count: group.count,
    names,
    untainted,
    migrate,
    lost,
    canaries,
    isCanarying: isCanaryPhase,
    serves,
    budget,
  });
  const stopped = new Set(stops.map((stop) => stop.alloc.id));
  draft.stops.push(...stops);
  pass.desired.stop += stops.length;
  for (const { next, old } of pairs) {
    if (!stopped.has(next.id) || !old) continue;
    stopUnneeded(pass, old);
  }
  pass.untainted = untainted.filter((alloc) => !stopped.has(alloc.id));
  pass.migrate = migrate.filter((alloc) => !stopped.has(alloc.id));
  pass.pairs = pairs.filter((pair) => !stopped.has(pair.next.id));
  pass.canaries = canaries.filter((alloc) => !stopped.has(alloc.id));
}

/** A pair serves as long as its old one does. Batch jobs have nobody to serve. */
function surplusServing(pass: Pass): (alloc: Allocation) => Serving {
  if (pass.input.isBatch) return () => Serving.yes;
  const olds = new Map(pass.pairs.map(({ next, old }) => [next.id, old]));
  const serves = servingOf(pass);
  return (alloc) => serves(olds.get(alloc.id) ?? alloc);
}

/** G14 */
export function compareVersions(pass: Pass): Updates {
  const { desired, draft, group, input, isInDeployment, state, untainted } = pass;
  const compared = decideUpdates(untainted, (alloc) => input.decideUpdate(alloc, group));
  const updates = { ...compared, destructive: stopUnneededUnknown(pass, compared.destructive) };
  desired.ignore += updates.ignore.length;
  desired.inPlaceUpdate += updates.inPlace.length;
  draft.inPlace.push(...updates.inPlace);
  if (!isInDeployment) {
    state.desiredTotal += updates.destructive.length + updates.inPlace.length;
    state.desiredTotal += changingByMigration(pass);
  }
  return updates;
}

/**
 * D8: of an older version, out of reach, and enough others are there or on their way: nothing takes
 * its place. Gives those that are to be replaced.
 */
function stopUnneededUnknown(
  pass: Pass,
  destructive: readonly Allocation[],
): readonly Allocation[] {
  const isUnknown = (alloc: Allocation) => alloc.clientStatus === ClientStatus.unknown;
  const unknown = destructive.filter(isUnknown);
  if (unknown.length === 0) return destructive;
  const canaries = new Set(isCanarying(pass.state) ? pass.canaries.map(({ id }) => id) : []);
  const known = pass.untainted.filter((alloc) => !isUnknown(alloc) && !canaries.has(alloc.id));
  const coming = [pass.migrate, pass.rescheduleNow, pass.disconnected, pass.lost].flat();
  const missing = Math.max(0, pass.group.count - known.length - coming.length);
  const unneeded = new Set(unknown.slice(missing));
  for (const alloc of unneeded) stopUnneeded(pass, alloc);
  pass.untainted = pass.untainted.filter((alloc) => !unneeded.has(alloc));
  return destructive.filter((alloc) => !unneeded.has(alloc));
}

/** Allocations that change their version because they must leave their node. */
export function changingByMigration({ job, migrate }: Pass): number {
  return migrate.filter(
    (alloc) =>
      alloc.jobModifyIndex !== job.jobModifyIndex || alloc.jobCreateIndex !== job.createIndex,
  ).length;
}

/** G15 */
export function removeCanaries(pass: Pass): void {
  const ids = new Set(pass.canaries.map((alloc) => alloc.id));
  pass.untainted = pass.untainted.filter((alloc) => !ids.has(alloc.id));
}

/** G16. A revert to a version that has proven itself needs no canaries (DESIGN §12.7). */
export function placeCanaries(pass: Pass, updates: Updates, names: NameIndex): boolean {
  const { canaries, desired, draft, group, input, state, triage } = pass;
  if (!hasUpdateStrategy(group)) return false;
  const wanted = group.update.canary;
  // Those that found no room are still to come when nothing old is left for them to stand beside.
  const needsCanaries =
    (updates.destructive.length > 0 || isCanarying(state)) &&
    canaries.length < wanted &&
    !state.promoted &&
    !input.isRevert();
  if (!needsCanaries) return false;
  state.desiredCanaries = wanted;
  if (triage.isPaused || triage.isFailed) {
    pass.holds.add(HeldBy.deployment, wanted - canaries.length);
    return true;
  }
  const lists = { existing: canaries, destructive: updates.destructive };
  const allowed = Math.min(wanted - canaries.length, group.count);
  for (const name of names.nextCanaries(allowed, lists)) {
    draft.places.push({
      kind: PlaceKind.canary,
      group,
      name,
      previous: null,
      isCanary: true,
      downgrade: false,
      stopPrevious: null,
    });
    desired.canary++;
  }
  return true;
}

/** G18: what is missing, most urgent first. */
export function listPlacements(pass: Pass, names: NameIndex): PlaceRequest[] {
  const { disconnected, group, lost, migrate, rescheduleNow, state, untainted } = pass;
  const isCanaryPhase = isCanarying(state);
  const places: PlaceRequest[] = [];
  const add = (kind: PlaceKind, previous: Allocation | null, name: string) => {
    const canary = previous !== null && isCanary(previous);
    const stopPrevious =
      kind === PlaceKind.reschedule && previous
        ? { alloc: previous, description: Description.rescheduled }
        : null;
    const downgrade = isCanaryPhase && !canary;
    places.push({ kind, group, name, previous, isCanary: canary, downgrade, stopPrevious });
  };
  for (const alloc of rescheduleNow) add(PlaceKind.reschedule, alloc, names.forReplacement(alloc));
  for (const alloc of disconnected) add(PlaceKind.disconnect, alloc, alloc.name);
  let existing = untainted.length + migrate.length + rescheduleNow.length + disconnected.length;
  for (const alloc of lost) {
    if (existing >= group.count) break;
    existing++;
    add(PlaceKind.lost, alloc, names.forReplacement(alloc));
  }
  for (const name of names.next(Math.max(0, group.count - existing))) {
    add(PlaceKind.new, null, name);
  }
  return places;
}

/** G19, ready: everything that is missing. Returns how many start. */
export function placeAll(pass: Pass, places: readonly PlaceRequest[]): number {
  pass.draft.places.push(...places);
  pass.desired.place += places.length;
  return places.length;
}

/** What keeps a group that is not ready from going on. */
export function heldBy({ triage }: Pass): HeldBy {
  return triage.isPaused || triage.isFailed ? HeldBy.deployment : HeldBy.canaries;
}

/** G19, not ready: replacements only, and none for what the failed deployment itself placed. */
export function placeReplacements(pass: Pass, places: readonly PlaceRequest[]): number {
  const { current, isFailed } = pass.triage;
  const allowed = places.filter(({ kind, previous }) => {
    if (kind === PlaceKind.lost || kind === PlaceKind.disconnect) return true;
    if (kind !== PlaceKind.reschedule) return false;
    return !(isFailed && current !== null && previous?.deploymentId === current.id);
  });
  pass.holds.add(heldBy(pass), places.length - allowed.length);
  return placeAll(pass, allowed);
}
