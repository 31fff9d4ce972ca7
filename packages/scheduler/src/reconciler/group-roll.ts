/** The rolling part of a group's pass: pairs go, the next ones are replaced (DESIGN §7, §12.3). */
import { type Allocation, allocIndex } from "@drover/model";
import { isServing } from "./alloc-facts.ts";
import { heldBy } from "./group-place.ts";
import {
  hasUpdateStrategy,
  isClosed,
  type LimitInput,
  maxSurgeOf,
  servingBudget,
  startBudget,
  surgeBudget,
  undecidedBudget,
} from "./limit.ts";
import type { NameIndex } from "./name-index.ts";
import type { Pass } from "./pass.ts";
import { cancel, isReady as isPairReady, mayRunOn, type Pair } from "./prepare.ts";
import { Description, type DestructiveRequest, PlaceKind, type Surge } from "./types.ts";
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
  /** L2: serving ones that may be stopped. */
  serving: number;
  /** L1: pairs that may start. */
  starts: number;
}

interface Choice {
  readonly old: Allocation;
  readonly surge: Surge | null;
}

type Serves = (alloc: Allocation) => boolean;

/** G17, G20 */
export function rollOut(pass: Pass, facts: RollFacts): void {
  const { desired, draft, group } = pass;
  const { destructive } = facts.updates;
  const serves: Serves = (alloc) =>
    isServing(
      alloc,
      pass.input.deployments.find((each) => each.id === alloc.deploymentId),
    );
  const olds = pass.pairs.flatMap((pair) => (pair.isReplacement ? [] : (pair.old ?? [])));
  const serving = [...pass.untainted, ...olds].filter(serves).length;
  const limit: LimitInput = {
    group,
    isBlocked: !facts.isReady,
    deployment: pass.triage.current,
    untainted: pass.untainted,
    starting: facts.starting,
  };
  const budget = { serving: servingBudget(group, serving), starts: startBudget(limit) };
  const pairs = pass.pairs.filter((pair) => facts.isReady || pair.isReplacement);
  const held = letPairsGo({ ...pass, pairs }, budget, serves);
  const undecided = undecidedBudget(limit);
  const isRevert = destructive.length > 1 && pass.input.isRevert();
  const ordered = orderForReplacement(destructive, serves, isRevert);
  const choice = choose(pass, ordered, { isReady: facts.isReady, undecided, budget, serves });
  const yielded = yieldPlaces(pass, held, choice.idle);
  pass.holds.add(HeldBy.floor, held.length);
  const told = { ref: pass.input.ref, group, triage: pass.triage, limit, serving };
  draft.waits.push(...pass.holds.reasons(told));
  const request = ({ old, surge }: Choice): DestructiveRequest => ({
    group,
    old,
    name: facts.names.forReplacement(old),
    retryOf: pass.retries.get(old.id) ?? null,
    isCanary: false,
    surge,
  });
  const chosen = [...choice.chosen, ...yielded.map((old) => ({ old, surge: null }))];
  draft.destructive.push(...chosen.map(request));
  if (!isClosed(limit)) prepareAhead(pass, choice.later, request);
  desired.destructiveUpdate += chosen.length;
  desired.ignore += destructive.length - chosen.length;
}

/**
 * L4: pairs that are ready go, the free ones first. What leaves its node does so at the pace of its
 * drain, and of a surge the new one serves in the old one's stead. Returns those that L2 holds back.
 */
function letPairsGo(pass: Pass, budget: Budget, serves: Serves): Pair[] {
  const held: Pair[] = [];
  const isFree = ({ isReplacement, isSurge, old }: Pair) =>
    isReplacement || isSurge || old === null || !serves(old);
  const ready = pass.pairs.filter(isPairReady);
  for (const pair of [...ready.filter(isFree), ...ready.filter((each) => !isFree(each))]) {
    const starts = !pair.isReplacement && !pair.isSurge;
    if (starts && budget.starts <= 0) {
      pass.holds.add(HeldBy.limit);
      continue;
    }
    if (!pair.isSurge) budget.starts--;
    if (!isFree(pair) && budget.serving <= 0) {
      held.push(pair);
      continue;
    }
    if (pair.isSurge || !isFree(pair)) budget.serving--;
    pass.draft.goes.push({ next: pair.next, stop: pair.stop });
  }
  const pending = pass.pairs.filter((pair) => !isPairReady(pair) && !isFree(pair));
  budget.serving -= Math.min(pending.length, Math.max(0, budget.starts));
  return held;
}

interface Choices {
  readonly chosen: Choice[];
  /** Those that do not serve, and for which L1 leaves no place. */
  readonly idle: Allocation[];
  /** Whose turn is next. */
  readonly later: Allocation[];
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
  const { chosen, idle, later }: Choices = { chosen: [], idle: [], later: [] };
  const hasSurge = maxSurgeOf(pass.group) > 0;
  const surge = surgeBudget(pass.group, undecided, pass.pairs.filter(isBeside(pass)).length);
  const step = (isFree: boolean): HeldBy | "replace" => {
    if (!isReady) return heldBy(pass);
    if (chosen.length >= undecided) return HeldBy.limit;
    if (isFree) return "replace";
    if (hasSurge) return chosen.length >= surge ? HeldBy.surge : "replace";
    return budget.serving <= 0 ? HeldBy.floor : "replace";
  };
  for (const old of ordered) {
    const isFree = !serves(old);
    const next = step(isFree);
    if (next !== "replace") {
      pass.holds.add(next);
      if (next === HeldBy.limit) later.push(old);
      if (next === HeldBy.limit && isFree) idle.push(old);
      continue;
    }
    chosen.push({ old, surge: !isFree && hasSurge ? { mayFallBack: budget.serving > 0 } : null });
    if (!isFree) budget.serving--;
  }
  return { chosen, idle, later };
}

/** Both of the pair run on after this pass. */
function isBeside({ draft }: Pass): (pair: Pair) => boolean {
  const going = new Set(draft.goes.map(({ next }) => next.id));
  return ({ isSurge, next }) => isSurge && !going.has(next.id);
}

/**
 * P9: while a batch becomes healthy, the nodes of the next one fetch its images. With `max_surge`
 * nothing waits for images but the surge itself.
 */
function prepareAhead(
  pass: Pass,
  later: readonly Allocation[],
  request: (choice: Choice) => DestructiveRequest,
): void {
  const { draft, group } = pass;
  if (!hasUpdateStrategy(group) || maxSurgeOf(group) > 0) return;
  const done = new Set([
    ...draft.goes.map(({ next }) => next.id),
    ...draft.stops.map(({ alloc }) => alloc.id),
  ]);
  const preparing = pass.pairs.filter(({ next }) => !done.has(next.id)).length;
  const room = group.update.maxParallel - preparing;
  if (room <= 0 || later.length === 0) return;
  const requests = later.slice(0, room).map((old) => request({ old, surge: null }));
  draft.ahead.push({ group, requests, room });
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
  serves: (alloc: Allocation) => boolean,
  isRevert: boolean,
): Allocation[] {
  return allocs
    .map((alloc) => ({ alloc, rank: serves(alloc) ? 1 : 0 }))
    .sort((a, b) => {
      if (a.rank !== b.rank) return a.rank - b.rank;
      const byVersion = b.alloc.jobVersion - a.alloc.jobVersion;
      if (isRevert && byVersion !== 0) return byVersion;
      return allocIndex(a.alloc.name) - allocIndex(b.alloc.name);
    })
    .map(({ alloc }) => alloc);
}

/**
 * G21: whatever the deployment's condition, an allocation that must leave its node is replaced; with
 * `max_surge`, those of a drain as many at a time as may stand beside their successors (X6).
 */
export function placeMigrations(pass: Pass): void {
  const { desired, draft, group } = pass;
  const mayWait = (alloc: Allocation) => !pass.input.isBatch && mayRunOn(alloc, pass.input);
  const surge = { room: surgeRoom(pass), isUsed: maxSurgeOf(group) > 0 };
  for (const alloc of pass.migrate) {
    const stop = { alloc, description: Description.migrating };
    const isLeaving = mayWait(alloc);
    const isSurge = isLeaving && surge.isUsed;
    if (isSurge && surge.room-- <= 0) {
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

/** How many more may stand beside those they replace, once this plan is carried out. */
function surgeRoom(pass: Pass): number {
  const beside = pass.pairs.filter(isBeside(pass)).length;
  const chosen = pass.draft.destructive.filter(
    ({ group, surge }) => group === pass.group && (surge ?? null) !== null,
  ).length;
  return maxSurgeOf(pass.group) - beside - chosen;
}
