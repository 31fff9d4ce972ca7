/** The rolling part of a group's pass: pairs go, the next ones are replaced (DESIGN §7, §12.3). */
import { type Allocation, allocIndex, maxSurgeOf, Serving } from "@drover/model";
import type { Slices } from "../scheduler.ts";
import { heldBy } from "./group-place.ts";
import {
  type LimitInput,
  RANK,
  ServingBudget,
  startBudget,
  surgeBudget,
  undecidedBudget,
} from "./limit.ts";
import type { NameIndex } from "./name-index.ts";
import { type Pass, servingOf } from "./pass.ts";
import { cancel, isReady as isPairReady, mayRunOn, type Pair } from "./prepare.ts";
import { Description, PlaceKind, type Surge } from "./types.ts";
import type { Updates } from "./updates.ts";
import { awaitsSurge, HeldBy } from "./why-group.ts";

interface RollFacts {
  readonly updates: Updates;
  readonly isReady: boolean;
  /** Allocations of the new version that this plan starts besides. */
  readonly starting: number;
  readonly names: NameIndex;
}

/** What this pass may still do; each step takes its share. */
interface Budget {
  readonly stops: ServingBudget;
  /** L1: pairs that may start. */
  starts: number;
}

interface Choice {
  readonly old: Allocation;
  readonly surge: Surge | null;
}

type Serves = (alloc: Allocation) => Serving;

/** G17, G20 */
export function* rollOut(pass: Pass, facts: RollFacts): Slices<void> {
  const { desired, draft, group } = pass;
  const { destructive } = facts.updates;
  const serves = servingOf(pass);
  const olds = pass.pairs.flatMap((pair) => (pair.isReplacement ? [] : (pair.old ?? [])));
  // Of two that run in one slot the old one counts, until the new one has taken its place.
  const beside = new Set(pass.pairs.filter(({ isSurge }) => isSurge).map(({ next }) => next));
  const counted = [...pass.untainted.filter((each) => !beside.has(each)), ...olds];
  const stops = new ServingBudget(group, counted.map(serves));
  const { serving } = stops;
  yield;
  const limit: LimitInput = {
    group,
    isBlocked: !facts.isReady,
    deployment: pass.triage.current,
    untainted: pass.untainted,
    starting: facts.starting,
  };
  const budget = { stops, starts: startBudget(limit) };
  const pairs = pass.pairs.filter((pair) => facts.isReady || pair.isReplacement);
  const held = letPairsGo({ ...pass, pairs }, budget, serves);
  const undecided = undecidedBudget(limit);
  const isRevert = destructive.length > 1 && pass.input.isRevert();
  yield;
  const ordered = orderForReplacement(destructive, serves, isRevert);
  yield;
  const choice = choose(pass, ordered, { isReady: facts.isReady, undecided, budget, serves });
  const yielded = yieldPlaces(pass, held, choice.idle);
  pass.holds.add(HeldBy.floor, held.length);
  const told = { ref: pass.input.ref, group, triage: pass.triage, limit, serving };
  draft.waits.push(...pass.holds.reasons(told));
  const chosen = [...choice.chosen, ...yielded.map((old) => ({ old, surge: null }))];
  for (const { old, surge } of chosen) {
    draft.destructive.push({
      group,
      old,
      name: facts.names.forReplacement(old),
      retryOf: pass.retries.get(old.id) ?? null,
      isCanary: false,
      surge,
    });
  }
  desired.destructiveUpdate += chosen.length;
  desired.ignore += destructive.length - chosen.length;
}

/**
 * L4: pairs that are ready go, the free ones first. What leaves its node does so at the pace of its
 * drain, and of a surge the new one serves in the old one's stead. Returns those that L2 holds back.
 */
function letPairsGo(pass: Pass, budget: Budget, serves: Serves): Pair[] {
  const held: Pair[] = [];
  const { stops } = budget;
  const costOf = ({ isReplacement, isSurge, old }: Pair) =>
    isReplacement || isSurge || old === null ? Serving.no : serves(old);
  const ready = pass.pairs.filter(isPairReady);
  for (const pair of ready.toSorted((a, b) => RANK[costOf(a)] - RANK[costOf(b)])) {
    const isStarting = !pair.isReplacement && !pair.isSurge;
    if (isStarting && budget.starts <= 0) {
      pass.holds.add(HeldBy.limit);
      continue;
    }
    if (!pair.isSurge) budget.starts--;
    const cost = costOf(pair);
    if (!stops.allows(cost)) {
      held.push(pair);
      continue;
    }
    stops.take(cost);
    pass.draft.goes.push({ next: pair.next, stop: pair.stop });
  }
  for (const pair of pass.pairs) if (!isPairReady(pair)) stops.take(costOf(pair));
  return held;
}

interface Choices {
  readonly chosen: Choice[];
  /** Those that do not serve, and for which L1 leaves no place. */
  readonly idle: Allocation[];
}

/** L1, L2, X2 */
function choose(
  pass: Pass,
  ordered: readonly Allocation[],
  facts: {
    readonly isReady: boolean;
    readonly undecided: number;
    readonly budget: Budget;
    readonly serves: Serves;
  },
): Choices {
  const { budget, isReady, serves, undecided } = facts;
  const { chosen, idle }: Choices = { chosen: [], idle: [] };
  const hasSurge = maxSurgeOf(pass.group) > 0;
  const surge = surgeBudget(pass.group, undecided, pass.pairs.filter(isBeside(pass)).length);
  const step = (one: Serving): HeldBy | "replace" => {
    if (!isReady) return heldBy(pass);
    if (chosen.length >= undecided) return HeldBy.limit;
    if (one === Serving.no) return "replace";
    if (hasSurge) return chosen.length >= surge ? HeldBy.surge : "replace";
    return budget.stops.allows(one) ? "replace" : HeldBy.floor;
  };
  for (const old of ordered) {
    const one = serves(old);
    const next = step(one);
    if (next !== "replace") {
      pass.holds.add(next);
      if (next === HeldBy.limit && one === Serving.no) idle.push(old);
      continue;
    }
    const isSurge = hasSurge && one !== Serving.no;
    chosen.push({ old, surge: isSurge ? { mayFallBack: budget.stops.allows(one) } : null });
    budget.stops.take(one);
  }
  return { chosen, idle };
}

/** Both of the pair run on after this pass. */
function isBeside({ draft }: Pass): (pair: Pair) => boolean {
  const going = new Set(draft.goes.map(({ next }) => next.id));
  return ({ isSurge, next }) => isSurge && !going.has(next.id);
}

/**
 * L5: a pair that the limit holds back gives its place up to one that does not serve, which would
 * otherwise wait for it for ever.
 */
function yieldPlaces(pass: Pass, held: readonly Pair[], idle: readonly Allocation[]): Allocation[] {
  const count = Math.min(held.length, idle.length);
  for (const { next } of held.slice(0, count)) {
    pass.draft.stops.push(cancel(next, false));
    pass.desired.stop++;
  }
  return idle.slice(0, count);
}

/** L3: those that do not serve first; a revert takes back the newest version first. */
function orderForReplacement(
  allocs: readonly Allocation[],
  serves: (alloc: Allocation) => Serving,
  isRevert: boolean,
): Allocation[] {
  return allocs
    .map((alloc) => ({ alloc, rank: RANK[serves(alloc)], index: allocIndex(alloc.name) }))
    .sort((a, b) => {
      if (a.rank !== b.rank) return a.rank - b.rank;
      const byVersion = b.alloc.jobVersion - a.alloc.jobVersion;
      if (isRevert && byVersion !== 0) return byVersion;
      return a.index - b.index;
    })
    .map(({ alloc }) => alloc);
}

/**
 * G21: whatever the deployment's condition, an allocation that must leave its node is replaced; with
 * `max_surge`, those of a drain as many at a time as may stand beside their successors (X6). What a
 * paused update keeps of that comes back to nobody, so the rest leaves as it would without.
 */
export function placeMigrations(pass: Pass): void {
  const { desired, draft, group } = pass;
  const mayWait = (alloc: Allocation) => !pass.input.isBatch && mayRunOn(alloc, pass.input);
  const isKept = pass.triage.isPaused && pass.pairs.some(isUpdateBeside(pass));
  const surge = { room: surgeRoom(pass), isUsed: maxSurgeOf(group) > 0 };
  for (const alloc of [...pass.movingCanaries, ...pass.migrate]) {
    const stop = { alloc, description: Description.migrating };
    const isLeaving = mayWait(alloc);
    const hasRoom = surge.room > 0;
    const isSurge = isLeaving && surge.isUsed && (hasRoom || !isKept);
    if (isSurge) surge.room--;
    if (isSurge && !hasRoom) {
      draft.waits.push(awaitsSurge({ ref: pass.input.ref, group }, alloc));
      continue;
    }
    if (!isLeaving) draft.stops.push(stop);
    desired.migrate++;
    const { migrateDisablePlacement, reschedule } = alloc.desiredTransition;
    const staysAway =
      pass.input.isBatch && (migrateDisablePlacement === true || reschedule === true);
    if (staysAway) continue;
    const isCanary = alloc.deploymentStatus?.canary ?? false;
    const retryOf = pass.retries.get(alloc.id) ?? null;
    draft.places.push({
      kind: PlaceKind.migrate,
      group,
      name: alloc.name,
      previous: alloc,
      isCanary,
      downgrade: pass.state.desiredCanaries > 0 && !pass.state.promoted && !isCanary,
      stopPrevious: null,
      ...(isLeaving ? { leaving: stop, retryOf, isSurge } : {}),
    });
  }
}

/** Both of the pair run on until the update does. */
function isUpdateBeside(pass: Pass): (pair: Pair) => boolean {
  const isKept = isBeside(pass);
  return (pair) => !pair.isReplacement && isKept(pair);
}

/** How many more may stand beside those they replace, once this plan is carried out. */
function surgeRoom(pass: Pass): number {
  const beside = pass.pairs.filter(isBeside(pass)).length;
  const chosen = pass.draft.destructive.filter(
    ({ group, surge }) => group === pass.group && (surge ?? null) !== null,
  ).length;
  return maxSurgeOf(pass.group) - beside - chosen;
}
