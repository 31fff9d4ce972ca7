/** The rolling part of a group's pass: pairs go, the next ones are replaced (DESIGN §7, §12.3). */
import { type Allocation, allocIndex, Serving } from "@drover/model";
import type { Slices } from "../scheduler.ts";
import { heldBy } from "./group-place.ts";
import { RANK, ServingBudget, undecidedBudget } from "./limit.ts";
import type { NameIndex } from "./name-index.ts";
import { type Pass, servingOf } from "./pass.ts";
import { cancel, isReady as isPairReady, mayRunOn, type Pair } from "./prepare.ts";
import { Description, PlaceKind } from "./types.ts";
import type { Updates } from "./updates.ts";
import { HeldBy } from "./why-group.ts";

interface RollFacts {
  readonly updates: Updates;
  readonly isReady: boolean;
  /** Allocations of the new version that this plan starts besides. */
  readonly starting: number;
  readonly names: NameIndex;
}

/** G17, G20 */
export function* rollOut(pass: Pass, facts: RollFacts): Slices<void> {
  const { desired, draft, group } = pass;
  const { destructive } = facts.updates;
  const serves = servingOf(pass);
  const olds = pass.pairs.flatMap((pair) => (pair.isReplacement ? [] : (pair.old ?? [])));
  const budget = new ServingBudget(group, [...pass.untainted, ...olds].map(serves));
  const { serving } = budget;
  yield;
  const pairs = pass.pairs.filter((pair) => facts.isReady || pair.isReplacement);
  const held = letPairsGo({ ...pass, pairs }, budget, serves);
  const undecided = undecidedBudget({
    group,
    isBlocked: !facts.isReady,
    deployment: pass.triage.current,
    untainted: pass.untainted,
    starting: facts.starting,
  });
  const isRevert = destructive.length > 1 && pass.input.isRevert();
  yield;
  const ordered = orderForReplacement(destructive, serves, isRevert);
  yield;
  const chosen: Allocation[] = [];
  const idle: Allocation[] = [];
  const step = (one: Serving): HeldBy | "replace" => {
    if (!facts.isReady) return heldBy(pass);
    if (chosen.length >= undecided) return HeldBy.limit;
    return budget.allows(one) ? "replace" : HeldBy.floor;
  };
  for (const alloc of ordered) {
    const one = serves(alloc);
    const next = step(one);
    if (next === "replace") {
      budget.take(one);
      chosen.push(alloc);
      continue;
    }
    pass.holds.add(next);
    if (next === HeldBy.limit && one === Serving.no) idle.push(alloc);
  }
  chosen.push(...yieldPlaces(pass, held, idle));
  pass.holds.add(HeldBy.floor, held.length);
  const limit = { deployment: pass.triage.current, untainted: pass.untainted, group };
  const told = { ref: pass.input.ref, group, triage: pass.triage, limit, serving };
  draft.waits.push(...pass.holds.reasons(told));
  for (const old of chosen) {
    draft.destructive.push({
      group,
      old,
      name: facts.names.forReplacement(old),
      retryOf: pass.retries.get(old.id) ?? null,
      isCanary: false,
    });
  }
  desired.destructiveUpdate += chosen.length;
  desired.ignore += destructive.length - chosen.length;
}

/**
 * L4: pairs that are ready go, the free ones first. What leaves its node does so at the pace of its
 * drain. Returns those that the limit holds back.
 */
function letPairsGo(
  pass: Pass,
  budget: ServingBudget,
  serves: (alloc: Allocation) => Serving,
): Pair[] {
  const held: Pair[] = [];
  const costOf = ({ isReplacement, old }: Pair) =>
    isReplacement || old === null ? Serving.no : serves(old);
  const ready = pass.pairs.filter(isPairReady);
  for (const pair of ready.toSorted((a, b) => RANK[costOf(a)] - RANK[costOf(b)])) {
    const cost = costOf(pair);
    if (!budget.allows(cost)) {
      held.push(pair);
      continue;
    }
    budget.take(cost);
    pass.draft.goes.push({ next: pair.next, stop: pair.stop });
  }
  for (const pair of pass.pairs) if (!isPairReady(pair)) budget.take(costOf(pair));
  return held;
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

/** G21: whatever the deployment's condition, an allocation that must leave its node is replaced. */
export function placeMigrations(pass: Pass): void {
  const { desired, draft, group, migrate } = pass;
  for (const alloc of migrate) {
    const stop = { alloc, description: Description.migrating };
    const isLeaving = !pass.input.isBatch && mayRunOn(alloc, pass.input);
    if (!isLeaving) draft.stops.push(stop);
    const { migrateDisablePlacement, reschedule } = alloc.desiredTransition;
    const staysAway =
      pass.input.isBatch && (migrateDisablePlacement === true || reschedule === true);
    if (staysAway) continue;
    const isCanary = alloc.deploymentStatus?.canary ?? false;
    draft.places.push({
      kind: PlaceKind.migrate,
      group,
      name: alloc.name,
      previous: alloc,
      isCanary,
      downgrade: pass.state.desiredCanaries > 0 && !pass.state.promoted && !isCanary,
      stopPrevious: null,
      ...(isLeaving ? { leaving: stop, retryOf: pass.retries.get(alloc.id) ?? null } : {}),
    });
  }
  desired.migrate += migrate.length;
}
