/**
 * GarbageCollect: deletes what the collector chose (spec chapter 9 §9.5). The choice was made from
 * an older snapshot, so whatever has come to life since stays.
 */
import { isDeploymentActive, isEvalTerminal, isTerminal, type JobRef } from "@drover/model";
import { jobKey, jobRefOf } from "../store/keys.ts";
import type { Tx } from "../store/tx.ts";
import { removeAlloc } from "../writes/allocs.ts";
import { removeDeployment } from "../writes/deployments.ts";
import { dropUnreferencedVersions } from "../writes/job-versions.ts";
import type { CommandResult, GarbageCollect } from "./command.ts";
import { purgeJob } from "./job-deregister.ts";
import { accepted } from "./result.ts";

export function applyGarbageCollect(tx: Tx, command: GarbageCollect): CommandResult {
  collectAllocs(tx, command.allocs);
  for (const id of command.evals) {
    const evaluation = tx.read.evaluation(id);
    if (evaluation !== undefined && isEvalTerminal(evaluation)) tx.remove("evals", id);
  }
  for (const id of command.deployments) {
    const deployment = tx.read.deployment(id);
    if (deployment === undefined || isDeploymentActive(deployment)) continue;
    if (tx.read.allocsByDeployment(id).every(isTerminal)) removeDeployment(tx, id);
  }
  for (const ref of command.jobs) collectJob(tx, ref);
  for (const id of command.nodes) {
    if (tx.read.node(id) !== undefined && tx.read.allocsByNode(id).length === 0) {
      tx.remove("nodes", id);
    }
  }
  return accepted(tx);
}

/** An active deployment counts its allocations, ended ones too: they stay until it has ended. */
function collectAllocs(tx: Tx, ids: readonly string[]): void {
  const jobs = new Map<string, JobRef>();
  for (const id of ids) {
    const alloc = tx.read.alloc(id);
    if (alloc === undefined || !isTerminal(alloc)) continue;
    const deployment = tx.read.deployment(alloc.deploymentId);
    if (deployment !== undefined && isDeploymentActive(deployment)) continue;
    removeAlloc(tx, id);
    const ref = jobRefOf(alloc);
    jobs.set(jobKey(ref), ref);
  }
  for (const ref of jobs.values()) dropUnreferencedVersions(tx, ref);
}

function collectJob(tx: Tx, ref: JobRef): void {
  const job = tx.read.job(ref);
  if (job === undefined || !(job.stop || job.status === "dead")) return;
  if (tx.read.allocsByJob(ref).some((alloc) => !isTerminal(alloc))) return;
  if (tx.read.evalsByJob(ref).some((evaluation) => !isEvalTerminal(evaluation))) return;
  purgeJob(tx, job);
}
