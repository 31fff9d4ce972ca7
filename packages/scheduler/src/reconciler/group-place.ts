/** Second half of a group's pass: what goes, what is compared, what is missing (spec §3.3). */
import { type Allocation, ClientStatus, Serving } from "@drover/model";
import type { Slices } from "../scheduler.ts";
import { inSlices } from "../slices.ts";
import { isCanary } from "./alloc-facts.ts";
import { isStoodInFor } from "./disconnect.ts";
import type { Due } from "./followups.ts";
import { hasUpdateStrategy, ServingBudget } from "./limit.ts";
import { NameIndex } from "./name-index.ts";
import { type Closed, Open } from "./open.ts";
import {
  isCanarying,
  type Pass,
  type Serves,
  servingStates,
  stopAll,
  stopUnneeded,
} from "./pass.ts";
import { computeStops } from "./stops.ts";
import { Description, PlaceKind, type PlaceRequest } from "./types.ts";
import { decideUpdates, type Outdated, type Updates } from "./updates.ts";
import { awaitsClientStop, HeldBy } from "./why-group.ts";

/** N */
export function* indexNames(pass: Pass): Slices<NameIndex> {
  const { group, job } = pass;
  const names = new NameIndex({ jobId: job.id, group: group.name, count: group.count });
  const { disconnected, lost, migrate, movingCanaries, rescheduleNow } = pass;
  const present = presentOf(pass);
  for (const allocs of [present, migrate, movingCanaries, rescheduleNow, disconnected, lost]) {
    yield* inSlices(allocs, (alloc) => names.add(alloc));
  }
  return names;
}

/** D8: what is out of reach and was replaced keeps neither its name nor its part of the count. */
function presentOf({ untainted }: Pass): Allocation[] {
  return untainted.filter((alloc) => !isStoodInFor(alloc));
}

/** S */
export function* stopSurplus(pass: Pass, names: NameIndex, isCanaryPhase: boolean): Slices<void> {
  const { canaries, group, lost, migrate, pairs, untainted } = pass;
  const serves = surplusServing(pass);
  const states = yield* servingStates({ serves }, [...untainted, ...migrate]);
  const budget = new ServingBudget(group, states);
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
  stopAll(pass, stops);
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
function surplusServing(pass: Pass): Serves {
  if (pass.input.isBatch) return () => Serving.yes;
  const olds = new Map(pass.pairs.map(({ next, old }) => [next.id, old]));
  const { serves } = pass;
  return (alloc) => serves(olds.get(alloc.id) ?? alloc);
}

/** G14 */
export function* compareVersions(pass: Pass, names: NameIndex): Slices<Updates> {
  const { desired, draft, group, input, isInDeployment, state, untainted } = pass;
  const compared = yield* decideUpdates(untainted, (alloc) => {
    const decision = input.decideUpdate(alloc, group);
    return decision.kind === "inPlace" && isStoodInFor(alloc) ? { kind: "ignore" } : decision;
  });
  const updates = { ...compared, outdated: stopUnneededUnknown(pass, compared.outdated, names) };
  desired.ignore += updates.ignore.length;
  desired.inPlaceUpdate += updates.inPlace.length;
  for (const request of updates.inPlace) draft.updateInPlace(request);
  if (!isInDeployment) {
    state.desiredTotal += updates.outdated.size + updates.inPlace.length;
    state.desiredTotal += changingByMigration(pass);
  }
  return updates;
}

/**
 * D8: of an older version, out of reach, and replaced already, or enough others are there or on
 * their way: nothing takes its place. Gives those that are to be replaced.
 */
function stopUnneededUnknown(pass: Pass, outdated: Outdated, names: NameIndex): Outdated {
  const isUnknown = (alloc: Allocation) => alloc.clientStatus === ClientStatus.unknown;
  const unknown = outdated.items.filter(isUnknown);
  if (unknown.length === 0) return outdated;
  const canaries = new Set(isCanarying(pass.state) ? pass.canaries.map(({ id }) => id) : []);
  const known = pass.untainted.filter((alloc) => !isUnknown(alloc) && !canaries.has(alloc.id));
  const coming = [pass.migrate, pass.rescheduleNow, pass.disconnected, pass.lost].flat();
  const missing = Math.max(0, pass.group.count - known.length - coming.length);
  const unreplaced = unknown.filter((alloc) => !isStoodInFor(alloc));
  const spare = unreplaced.slice(missing);
  for (const alloc of spare) names.free(alloc);
  const unneeded = new Set([...unknown.filter(isStoodInFor), ...spare]);
  for (const alloc of unneeded) stopUnneeded(pass, alloc);
  pass.untainted = pass.untainted.filter((alloc) => !unneeded.has(alloc));
  return new Open(
    "outdated",
    outdated.items.filter((alloc) => !unneeded.has(alloc)),
  );
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
export function* placeCanaries(
  pass: Pass,
  updates: Updates,
  names: NameIndex,
): Slices<Closed<"canaries">> {
  const { canaries, desired, draft, group, holds, state, triage } = pass;
  const missing = missingCanaries(pass, updates);
  const open = new Open("canaries", [...new Array(missing).keys()]);
  if (missing > 0) state.desiredCanaries = canaries.length + missing;
  const mayPlace = !triage.isPaused && !triage.isFailed;
  const lists = { existing: canaries, destructive: updates.outdated.items };
  const given = mayPlace ? names.nextCanaries(Math.min(missing, group.count), lists) : [];
  return yield* open.close(holds, (index) => {
    if (!mayPlace) return HeldBy.deployment;
    const name = given[index];
    if (name === undefined) return HeldBy.otherCanaries;
    desired.canary++;
    return draft.place({
      kind: PlaceKind.canary,
      group,
      name,
      previous: null,
      isCanary: true,
      downgrade: false,
      stopPrevious: null,
    });
  });
}

function missingCanaries(pass: Pass, { outdated }: Updates): number {
  const { canaries, group, input, state } = pass;
  if (!hasUpdateStrategy(group) || state.promoted) return 0;
  // Those that found no room are still to come when nothing old is left for them to stand beside.
  if (outdated.size === 0 && !isCanarying(state)) return 0;
  const missing = group.update.canary - canaries.length;
  return missing > 0 && !input.isRevert() ? missing : 0;
}

/** G18: what is missing, most urgent first. */
export function listPlacements(pass: Pass, names: NameIndex): Open<"missing", PlaceRequest> {
  const { disconnected, group, lost, migrate, rescheduleNow, state } = pass;
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
  const { length: present } = presentOf(pass);
  let existing = present + migrate.length + rescheduleNow.length + disconnected.length;
  for (const alloc of lost) {
    // One too many has left its name to others.
    if (existing >= group.count) names.free(alloc);
    else add(PlaceKind.lost, alloc, names.forReplacement(alloc));
    existing++;
  }
  for (const name of names.next(Math.max(0, group.count - existing))) {
    add(PlaceKind.new, null, name);
  }
  return new Open("missing", places);
}

/** What keeps a group that is not ready from going on. */
export function heldBy({ triage }: Pass): HeldBy {
  return triage.isPaused || triage.isFailed ? HeldBy.deployment : HeldBy.canaries;
}

/**
 * G19: everything that is missing; while the group is not ready replacements only, and none for
 * what the failed deployment itself placed. G9: nothing before unreachable clients have stopped.
 */
export function* placeMissing(
  pass: Pass,
  missing: Open<"missing", PlaceRequest>,
  facts: { readonly isReady: boolean; readonly clientStops: readonly Due[] },
): Slices<Closed<"missing">> {
  const { desired, draft, group, holds, input } = pass;
  const { clientStops, isReady } = facts;
  const untold = clientStops.length > 0 ? awaitsClientStop(input.ref, group, clientStops) : null;
  return yield* missing.close(holds, (request) => {
    if (untold) return untold;
    if (!isReady && !isReplacedAnyway(pass, request)) return heldBy(pass);
    desired.place++;
    return draft.place(request);
  });
}

function isReplacedAnyway({ triage }: Pass, { kind, previous }: PlaceRequest): boolean {
  const { current, isFailed } = triage;
  if (kind === PlaceKind.lost || kind === PlaceKind.disconnect) return true;
  if (kind !== PlaceKind.reschedule) return false;
  return !(isFailed && current !== null && previous?.deploymentId === current.id);
}
