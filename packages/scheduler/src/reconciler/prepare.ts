/**
 * Make before break (DESIGN §12.2, §12.3): a pair is an allocation that still runs and the one
 * placed beside it, which fetches its images or, as a surge, runs too until it is healthy. Until
 * the pair goes, the old one keeps its slot's promise and the new one may be given up.
 */
import {
  type Allocation,
  ClientStatus,
  type Deployment,
  DeploymentStatus,
  isClientTerminal,
  isDeploymentActive,
  isDrainOverdue,
  isServerTerminal,
  type Job,
  type Node,
  type Reason,
} from "@drover/model";
import { isPreparing, isSurging } from "../prepared.ts";
import { deploymentIdFor } from "./alloc-facts.ts";
import { AllocClass, type Buckets } from "./buckets.ts";
import type { Due } from "./followups.ts";
import type { RescheduleDecision } from "./reschedule.ts";
import { Description, type StopRequest } from "./types.ts";
import { whyPairWaits } from "./why-group.ts";

export interface Pair {
  readonly next: Allocation;
  /** null when it is gone already: nothing is left to wait for. */
  readonly old: Allocation | null;
  /** What happens to `old` when the pair goes. */
  readonly stop: StopRequest | null;
  /** The old one must not run on where it is: the new one replaces it, whatever is rolled out. */
  readonly isReplacement: boolean;
  /** The new one goes when it is prepared or, as a surge, healthy; otherwise at once. */
  readonly waits: boolean;
  /** Both run. */
  readonly isSurge: boolean;
  /** P4, X4: what the pair itself still waits for; null = it may go as far as it is concerned. */
  readonly hold: Reason | null;
}

type UnheldPair = Omit<Pair, "hold">;

interface PairSplit {
  readonly pairs: Pair[];
  /** New ones that nobody wants any more; the old ones stay. */
  readonly cancelled: StopRequest[];
  /** X5: old ones whose place the new one has taken, as they ended or must go. */
  readonly replaced: StopRequest[];
  /** Old allocation → the failed one that is given up for another attempt at replacing it. */
  readonly retries: Map<string, Allocation>;
  /** Failed ones that wait for their next attempt; their pairs stay. */
  readonly later: Due[];
}

interface PairContext {
  readonly job: Job;
  /** The current deployment, in whatever status. */
  readonly deployment: Deployment | null;
  readonly node: (id: string) => Node | undefined;
  readonly now: number;
  /** Only canaries of the new version may start, so what leaves its node keeps its version. */
  readonly isCanarying: boolean;
  /** When a failed one may be tried again. */
  readonly retry: (next: Allocation) => RescheduleDecision;
}

/**
 * Takes the pairs out of `buckets`: `next` stays in `untainted` and stands for the pair, `old`
 * leaves all buckets. Cancelled ones leave them too.
 */
export function extractPairs(buckets: Buckets, context: PairContext): PairSplit {
  const beside = besideOld(buckets);
  const split: PairSplit = {
    pairs: [],
    cancelled: [],
    replaced: [],
    retries: new Map(),
    later: [],
  };
  if (beside.length === 0) return split;
  const classOf = classesById(buckets);
  const removed = new Set<string>();
  for (const next of beside) {
    const bucket = classOf.get(next.id)?.class;
    const old = classOf.get(next.previousAllocation);
    const pair = toPair(next, old, context);
    if (pair.isSurge && !pair.waits) {
      if (old) removed.add(old.alloc.id);
      if (pair.stop) split.replaced.push(pair.stop);
      continue;
    }
    const kept = isWanted(pair, bucket, context) ? keep(pair, split, context) : null;
    if (kept) {
      split.pairs.push(kept);
      if (old) removed.add(old.alloc.id);
    } else {
      split.cancelled.push(cancel(next, bucket === AllocClass.lost));
      removed.add(next.id);
    }
  }
  for (const name of Object.values(AllocClass)) {
    buckets[name] = buckets[name].filter((alloc) => !removed.has(alloc.id));
  }
  return split;
}

/** One that is preparing has not started, so its node cannot have taken it out of reach running. */
function besideOld(buckets: Buckets): Allocation[] {
  const { disconnecting, expiring, lost, migrate, reconnecting, untainted } = buckets;
  return [
    ...[...untainted, ...migrate, ...lost].filter((each) => isPreparing(each) || isSurging(each)),
    ...[...disconnecting, ...expiring, ...reconnecting].filter(isSurging),
  ];
}

interface Classified {
  readonly alloc: Allocation;
  readonly class: AllocClass;
}

function classesById(buckets: Buckets): Map<string, Classified> {
  const byId = new Map<string, Classified>();
  for (const name of Object.values(AllocClass)) {
    for (const alloc of buckets[name]) byId.set(alloc.id, { alloc, class: name });
  }
  return byId;
}

/** P2: of the version that is wanted now, in a deployment that goes on, on a node that is there. */
function isWanted(pair: UnheldPair, bucket: AllocClass | undefined, context: PairContext): boolean {
  const { job, node } = context;
  const { next, old } = pair;
  if (bucket !== AllocClass.untainted) return false;
  if ((node(next.nodeId)?.drainStrategy ?? null) !== null) return false;
  const isMoveOf = (alloc: Allocation) =>
    next.jobModifyIndex === alloc.jobModifyIndex && next.jobCreateIndex === alloc.jobCreateIndex;
  if (pair.isReplacement && context.isCanarying && old && isMoveOf(old)) return true;
  if (next.jobModifyIndex !== job.jobModifyIndex || next.jobCreateIndex !== job.createIndex) {
    return false;
  }
  // The drain that it was for has been called off.
  if (!pair.isReplacement && old && isMoveOf(old)) return false;
  return isOfDeployment(pair, context);
}

/** A replacement goes on outside a deployment that has failed, an update does not. */
function isOfDeployment({ isReplacement, next }: UnheldPair, { deployment }: PairContext): boolean {
  const id = deploymentIdFor(deployment, next.taskGroup);
  if (deployment === null || isDeploymentActive(deployment)) return next.deploymentId === id;
  if (isReplacement) return next.deploymentId === "";
  return deployment.status !== DeploymentStatus.failed && next.deploymentId === id;
}

/**
 * P7: a failed one stays until it may be tried again, or its predecessor needs the slot. One that
 * its client has ended without a failure has nothing to wait for. null = the pair is given up.
 */
function keep(pair: UnheldPair, split: PairSplit, context: PairContext): Pair | null {
  const { next, old, waits } = pair;
  if (!isClientTerminal(next)) return { ...pair, hold: whyNotReady(pair) };
  if (!waits || next.clientStatus === ClientStatus.complete) return null;
  const decision = context.retry(next);
  if (decision.kind !== "wait") {
    if (old) split.retries.set(old.id, next);
    return null;
  }
  if (decision.at !== null) split.later.push({ allocId: next.id, at: decision.at });
  return { ...pair, hold: decision.reason };
}

function whyNotReady({ isSurge, next, waits }: UnheldPair): Reason | null {
  if (isSurge) return next.deploymentStatus?.healthy === true ? null : whyPairWaits.health(next);
  return next.prepared || !waits ? null : whyPairWaits.images(next);
}

function toPair(next: Allocation, old: Classified | undefined, context: PairContext): UnheldPair {
  const isSurge = isSurging(next);
  if (!old || isServerTerminal(old.alloc)) {
    return { next, old: null, stop: null, isReplacement: true, waits: false, isSurge };
  }
  const isAway = old.class === AllocClass.disconnecting;
  const isReplacement = !mayGoOn(old) || (isAway && isSurge);
  const isLeaving = old.class === AllocClass.migrate && mayRunOn(old.alloc, context);
  const waits = !isReplacement || isLeaving;
  return { next, old: old.alloc, stop: stopOfOld(old), isReplacement, waits, isSurge };
}

/**
 * It is the rolling update alone that ends it, also when it has just come back (D7), or has told so
 * before its node has.
 */
function mayGoOn({ alloc, class: known }: Classified): boolean {
  if (isClientTerminal(alloc)) return false;
  if (known === AllocClass.untainted || known === AllocClass.disconnecting) return true;
  return known === AllocClass.reconnecting && alloc.desiredTransition.migrate !== true;
}

/**
 * P8: one that a drain has marked runs on until its replacement is prepared, or the drain's
 * deadline. Any other reason to leave is an order to stop.
 */
export function mayRunOn(
  alloc: Allocation,
  { node, now }: Pick<PairContext, "node" | "now">,
): boolean {
  const strategy = node(alloc.nodeId)?.drainStrategy ?? null;
  return !isClientTerminal(alloc) && strategy !== null && !isDrainOverdue(strategy, now);
}

function stopOfOld(old: Classified): StopRequest {
  const { alloc } = old;
  if (old.class === AllocClass.lost || old.class === AllocClass.expiring) {
    return { alloc, description: Description.lost, clientStatus: ClientStatus.lost };
  }
  const isMigrating = old.class === AllocClass.migrate;
  return { alloc, description: isMigrating ? Description.migrating : Description.updating };
}

export function cancel(next: Allocation, isLost: boolean): StopRequest {
  return isLost
    ? { alloc: next, description: Description.lost, clientStatus: ClientStatus.lost }
    : { alloc: next, description: Description.notNeeded };
}
