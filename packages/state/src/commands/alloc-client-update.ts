/**
 * AllocClientUpdate: what clients say of their allocations. Writes client-owned fields only
 * (invariant I9), guarded by a sequence per allocation, because two reports of one allocation may
 * travel through different servers (DESIGN §6).
 */
import {
  type Allocation,
  type AllocClientReport,
  type AllocDeploymentStatus,
  isDeploymentActive,
  isJudgedByOperator,
} from "@drover/model";
import type { Tx } from "../store/tx.ts";
import { putAlloc } from "../writes/allocs.ts";
import { putEvals } from "../writes/evals.ts";
import { replaceJobVersion } from "../writes/job-versions.ts";
import type { AllocClientUpdate, CommandResult } from "./command.ts";
import { accepted } from "./result.ts";

/** Sets updated: false when every report was old or named an unknown allocation. */
export function applyAllocClientUpdate(tx: Tx, command: AllocClientUpdate): CommandResult {
  let updated = false;
  for (const report of command.reports) {
    const stored = tx.read.alloc(report.id);
    if (stored === undefined || stored.nodeId !== report.nodeId) continue;
    if (report.clientSeq <= stored.clientSeq) continue;
    putAlloc(tx, merge(tx, stored, report));
    recordDigests(tx, stored, report);
    markNode(tx, stored.nodeId);
    updated = true;
  }
  putEvals(tx, command.evals);
  return accepted(tx, { updated });
}

function merge(tx: Tx, stored: Allocation, report: AllocClientReport): Allocation {
  return {
    ...stored,
    clientStatus: report.clientStatus,
    clientDescription: report.clientDescription,
    taskStates: { ...report.taskStates },
    networkStatus: report.networkStatus ?? stored.networkStatus,
    deploymentStatus: nextVerdict(tx, stored, report),
    prepared: stored.prepared || report.prepared,
    // A report of before the field was there leaves the row as it was, so old logs replay the same.
    ...(report.serving === undefined ? {} : { serving: report.serving }),
    ...((stored.unseen ?? false) === (report.unseen ?? false)
      ? {}
      : { unseen: report.unseen ?? false }),
    unretryableError: report.unretryableError || stored.unretryableError,
    clientSeq: report.clientSeq,
    modifyIndex: tx.index,
    modifyTime: tx.now,
  };
}

/**
 * A client's verdict may be revoked until its deployment has ended; saying nothing revokes nothing.
 * An operator's is changed by operators alone.
 */
function nextVerdict(
  tx: Tx,
  stored: Allocation,
  report: AllocClientReport,
): AllocDeploymentStatus | null {
  const current = stored.deploymentStatus;
  // Its client has not heard of the takeover yet, and will say it of the new deployment.
  if ((report.deploymentId ?? stored.deploymentId) !== stored.deploymentId) return current;
  if (isJudgedByOperator(stored)) return current;
  const decided = current?.healthy ?? null;
  const isRevoked = report.healthy === null && report.revoked === true && decided === true;
  if (report.healthy === decided || (report.healthy === null && !isRevoked)) return current;
  const deployment = tx.read.deployment(stored.deploymentId);
  if (decided !== null && (deployment === undefined || !isDeploymentActive(deployment))) {
    return current;
  }
  if (isRevoked) return undecided(tx, current);
  return {
    healthy: report.healthy,
    timestamp: report.healthAt || tx.now,
    canary: current?.canary ?? false,
    modifyIndex: tx.index,
  };
}

/** As before any verdict: nothing is left that could be taken for a takeover while serving. */
function undecided(tx: Tx, current: AllocDeploymentStatus | null): AllocDeploymentStatus | null {
  if (!current?.canary) return null;
  return { healthy: null, timestamp: 0, canary: true, modifyIndex: tx.index };
}

/** The first digest that an image name of a version resolved to stays (DESIGN §12.7). */
function recordDigests(tx: Tx, alloc: Allocation, report: AllocClientReport): void {
  const job = tx.read.allocJob(alloc);
  if (job === undefined) return;
  const fresh = Object.entries(report.imageDigests).filter(
    ([image]) => job.imageDigests[image] === undefined,
  );
  if (fresh.length === 0) return;
  const imageDigests = { ...job.imageDigests, ...Object.fromEntries(fresh) };
  replaceJobVersion(tx, { ...job, imageDigests, modifyIndex: tx.index });
}

function markNode(tx: Tx, nodeId: string): void {
  const node = tx.read.node(nodeId);
  if (node === undefined || node.lastAllocUpdateIndex === tx.index) return;
  tx.put("nodes", nodeId, { ...node, lastAllocUpdateIndex: tx.index });
}
