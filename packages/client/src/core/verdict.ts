/**
 * The verdict on an allocation's health: whose word it is, and what changes it (DESIGN §6; rules H4,
 * H14, and A8, A11, A13, A14 of the servers). It belongs to one deployment. Only a healthy word of
 * this node's own is ever taken back, and by nobody but this node:
 *
 *   undecided ──own──→ healthy, own ──lost──→ undecided, revoked ──own──→ …
 *       │    └──own──→ unhealthy, own               │
 *       └───────── heard from the servers ──────────┴──→ decided
 *
 * An operator's word, heard in any of these, takes their place.
 */
import { type Allocation, isJudgedByOperator } from "@drover/model";

export interface HealthVerdict {
  readonly deploymentId: string;
  /** null = undecided. */
  readonly healthy: boolean | null;
  /** Epoch ms; 0 = undecided. */
  readonly at: number;
  /** Given by this node, not by an operator: it may take it back. Absent = not. */
  readonly own?: boolean;
  /** Epoch ms at which this node took its word back for the first time. Absent = never. */
  readonly lostSince?: number;
  /** Number of the report that takes the one before back, while there is no new one. */
  readonly revokedSeq?: number;
}

/** What the servers hold, for instance set by hand through the API. */
export function serversVerdict(alloc: Allocation): HealthVerdict {
  const status = alloc.deploymentStatus;
  return {
    deploymentId: alloc.deploymentId,
    healthy: status?.healthy ?? null,
    at: status?.healthy == null ? 0 : status.timestamp,
  };
}

/** What the servers' newest word on the same deployment makes of it; null = nothing. */
export function heardVerdict(before: HealthVerdict, alloc: Allocation): HealthVerdict | null {
  const given = alloc.deploymentStatus?.healthy ?? null;
  if (given === null) return null;
  if (isJudgedByOperator(alloc)) return serversVerdict(alloc);
  if (before.healthy !== null) return null;
  // What was taken back may come once more, from servers that have not heard of it yet. Those that
  // have, and say healthy all the same, have closed the deployment.
  const isOld = given === true && alloc.clientSeq < (before.revokedSeq ?? 0);
  return isOld ? null : serversVerdict(alloc);
}

/** What this node has found. */
export function ownVerdict(
  { lostSince }: HealthVerdict,
  found: { readonly deploymentId: string; readonly healthy: boolean; readonly at: number },
): HealthVerdict {
  return { ...found, own: true, ...(lostSince === undefined ? {} : { lostSince }) };
}

/** H14: only its own word, and only where a deployment builds on it. */
export function isRevocable({ deploymentId, healthy, own }: HealthVerdict): boolean {
  return healthy === true && own === true && deploymentId !== "";
}

/** Taken back by the report with the number `reportSeq`. */
export function lostVerdict(
  { deploymentId, lostSince }: HealthVerdict,
  { now, reportSeq }: { readonly now: number; readonly reportSeq: number },
): HealthVerdict & { readonly lostSince: number } {
  return {
    ...{ deploymentId, healthy: null, at: 0 },
    ...{ revokedSeq: reportSeq, lostSince: lostSince ?? now },
  };
}

/** Its own word has been taken back, and nothing has taken its place yet. */
export function isRevoked({ revokedSeq }: HealthVerdict): boolean {
  return revokedSeq !== undefined;
}
