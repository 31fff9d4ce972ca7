/**
 * One group of a service or batch job: what is there against what is wanted (spec §3.3). The steps
 * run in the order of SPEC.md; each writes what it decides into the draft.
 */
import type { Allocation } from "@drover/model";
import type { Slices } from "../scheduler.ts";
import { isOfVersion } from "./alloc-facts.ts";
import { isGroupDone, needsDeployment, newDeploymentState } from "./deployment-step.ts";
import { classifyAll, considerable, dropUnneededCanaries } from "./group-classify.ts";
import {
  changingByMigration,
  compareVersions,
  indexNames,
  listPlacements,
  placeAll,
  placeCanaries,
  placeReplacements,
  removeCanaries,
  stopSurplus,
} from "./group-place.ts";
import { placeMigrations, rollOut } from "./group-roll.ts";
import { type GroupScope, isCanarying, type Pass } from "./pass.ts";
import type { Pair } from "./prepare.ts";
import { noUpdates, type PlaceRequest } from "./types.ts";
import type { Updates } from "./updates.ts";
import { awaitsClientStop, Holds } from "./why-group.ts";

/** Returns whether the deployment asks nothing more of the group. */
export function* reconcileGroup(scope: GroupScope): Slices<boolean> {
  const desired = noUpdates();
  scope.draft.desired[scope.group.name] = desired;
  const { current } = scope.triage;
  const stored = current?.taskGroups[scope.group.name];
  const pass: Pass = {
    ...scope,
    desired,
    state: { ...(stored ?? newDeploymentState(scope.group)) },
    isInDeployment: stored !== undefined,
    canaries: [],
    untainted: [],
    migrate: [],
    movingCanaries: [],
    lost: [],
    rescheduleNow: [],
    disconnected: [],
    laterCount: 0,
    pairs: [],
    retries: new Map(),
    holds: new Holds(),
  };
  const considered = dropUnneededCanaries(pass, considerable(pass));
  yield;
  const waits = yield* classifyAll(pass, considered);
  yield;
  const names = indexNames(pass);
  const wasCanarying = isCanarying(pass.state);
  stopSurplus(pass, names, wasCanarying);
  yield;
  const updates = compareVersions(pass);
  yield;
  if (wasCanarying) removeCanaries(pass);
  const needsCanaries = placeCanaries(pass, updates, names);
  if (waits.length > 0) {
    const told = { ref: scope.input.ref, group: scope.group };
    scope.draft.waits.push(awaitsClientStop(told, waits));
  }
  const places = waits.length > 0 ? [] : listPlacements(pass, names);
  if (!pass.isInDeployment) pass.state.desiredTotal += places.length;
  const isReady = !scope.triage.isPaused && !scope.triage.isFailed && !isCanarying(pass.state);
  const starting = isReady ? placeAll(pass, places) : placeReplacements(pass, places);
  yield;
  yield* rollOut(pass, { updates, isReady, names, starting: starting + pass.migrate.length });
  yield;
  placeMigrations(pass);
  joinDeployment(pass, updates, considered);
  return isComplete(pass, { updates, places, needsCanaries });
}

/** G22 */
function joinDeployment(pass: Pass, updates: Updates, considered: readonly Allocation[]): void {
  const { draft, group, isInDeployment, job, state, triage } = pass;
  if (triage.current !== null || isInDeployment) return;
  const hadCurrentVersion = considered.some((alloc) => isOfVersion(alloc, job));
  const isUpdating =
    updates.destructive.length > 0 || updates.inPlace.length > 0 || changingByMigration(pass) > 0;
  if (!needsDeployment({ group, state, hadCurrentVersion, isUpdating })) return;
  draft.deploymentGroups[group.name] = state;
}

/** G24 */
function isComplete(
  pass: Pass,
  facts: {
    readonly updates: Updates;
    readonly places: readonly PlaceRequest[];
    readonly needsCanaries: boolean;
  },
): boolean {
  const { current } = pass.triage;
  const { needsCanaries, places, updates } = facts;
  const isIdle =
    updates.destructive.length === 0 &&
    updates.inPlace.length === 0 &&
    places.length === 0 &&
    pass.migrate.length === 0 &&
    pass.movingCanaries.length === 0 &&
    pass.pairs.every((pair) => pair.isSurge && goesNow(pass, pair)) &&
    pass.laterCount === 0 &&
    !needsCanaries;
  if (!isIdle || current === null) return false;
  return isGroupDone(current.taskGroups[pass.group.name], pass.allocs, current);
}

/** X7: a surge is healthy when it goes; any other pair has still to start. */
function goesNow({ draft }: Pass, { next }: Pair): boolean {
  return draft.goes.some((each) => each.next.id === next.id);
}
