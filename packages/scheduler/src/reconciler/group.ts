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
  placeCanaries,
  placeMissing,
  removeCanaries,
  stopSurplus,
} from "./group-place.ts";
import { placeMigrations, rollOut } from "./group-roll.ts";
import type { Account } from "./open.ts";
import { type GroupScope, isCanarying, type Pass, servingOf } from "./pass.ts";
import type { Pair } from "./prepare.ts";
import { noUpdates } from "./types.ts";
import type { Updates } from "./updates.ts";
import { Holds } from "./why-group.ts";

/** Of what a group's pass has been given, every item is acted upon or held (W2). */
export type GroupAccount = Account<
  "failed" | "canaries" | "missing" | "pairs" | "outdated" | "leaving"
>;

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
    serves: servingOf(scope.input),
    holds: new Holds(),
  };
  const considered = dropUnneededCanaries(pass, considerable(pass));
  yield;
  const { clientStops, failed } = yield* classifyAll(pass, considered);
  yield;
  const names = yield* indexNames(pass);
  const wasCanarying = isCanarying(pass.state);
  yield* stopSurplus(pass, names, wasCanarying);
  yield;
  const updates = yield* compareVersions(pass, names);
  yield;
  if (wasCanarying) removeCanaries(pass);
  const canaries = yield* placeCanaries(pass, updates, names);
  const toPlace = listPlacements(pass, names);
  const mayPlace = clientStops.length === 0;
  if (!pass.isInDeployment && mayPlace) pass.state.desiredTotal += toPlace.size;
  const isReady = !scope.triage.isPaused && !scope.triage.isFailed && !isCanarying(pass.state);
  const missing = yield* placeMissing(pass, toPlace, { isReady, clientStops });
  yield;
  const starting = desired.place + pass.migrate.length;
  const { outdated } = updates;
  const { told, ...rolled } = yield* rollOut(pass, { outdated, isReady, names, starting });
  yield;
  const leaving = yield* placeMigrations(pass, names);
  const { input, group, triage } = pass;
  scope.draft.waits.push(...pass.holds.reasons({ ref: input.ref, group, triage, ...told }));
  joinDeployment(pass, updates, considered);
  const account = { failed, canaries, missing, leaving, ...rolled };
  return isComplete(pass, account, mayPlace);
}

/** T5 */
function joinDeployment(pass: Pass, updates: Updates, considered: readonly Allocation[]): void {
  const { draft, group, isInDeployment, job, state, triage } = pass;
  if (triage.current !== null || isInDeployment) return;
  const hadCurrentVersion = considered.some((alloc) => isOfVersion(alloc, job));
  const isUpdating =
    updates.outdated.size > 0 || updates.inPlace.length > 0 || changingByMigration(pass) > 0;
  if (!needsDeployment({ group, state, hadCurrentVersion, isUpdating })) return;
  draft.deploymentGroups[group.name] = state;
}

/** T7 */
function isComplete(pass: Pass, account: GroupAccount, mayPlace: boolean): boolean {
  const { current } = pass.triage;
  const { canaries, leaving, missing, outdated } = account;
  const isIdle =
    outdated.size + canaries.size + leaving.size === 0 &&
    pass.desired.inPlaceUpdate === 0 &&
    !(mayPlace && missing.size > 0) &&
    pass.pairs.every((pair) => pair.isSurge && goesNow(pass, pair)) &&
    pass.laterCount === 0;
  if (!isIdle || current === null) return false;
  return isGroupDone(current.taskGroups[pass.group.name], pass.allocs, current);
}

/** X7: a surge is healthy when it goes; any other pair has still to start. */
function goesNow({ draft }: Pass, { next }: Pair): boolean {
  return draft.goes.some((each) => each.next.id === next.id);
}
