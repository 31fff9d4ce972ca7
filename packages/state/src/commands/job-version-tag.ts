/** JobVersionTag: names a version so that history keeps it (spec chapter 2 §2.5.5). */
import type { Job } from "@drover/model";
import type { Tx } from "../store/tx.ts";
import { putJobVersion, replaceJobVersion } from "../writes/job-versions.ts";
import type { CommandResult, JobVersionTag } from "./command.ts";
import { versionNotFound } from "./job-stability.ts";
import { accepted, RejectCode, rejected } from "./result.ts";

/** Sets jobModifyIndex, jobVersion. */
export function applyJobVersionTag(tx: Tx, command: JobVersionTag): CommandResult {
  const ref = { namespace: command.namespace, id: command.jobId };
  if (tx.read.job(ref) === undefined) {
    return rejected(tx, RejectCode.jobNotFound, "job not found");
  }
  const tagged = tx.read.jobVersions(ref).find((job) => job.versionTag?.name === command.name);
  if (command.version === null) return untag(tx, command, tagged);
  const job = tx.read.jobVersion(ref, command.version);
  if (job === undefined) return versionNotFound(tx, ref, command.version);
  if (tagged !== undefined && tagged.version !== job.version) {
    const where = `already exists on a different version of job "${ref.id}"`;
    return rejected(tx, RejectCode.versionTagExists, `tag "${command.name}" ${where}`);
  }
  const { name, description } = command;
  const versionTag = { name, description, taggedTime: tx.now };
  replaceJobVersion(tx, { ...job, versionTag, modifyIndex: tx.index });
  return accepted(tx, { jobModifyIndex: tx.index, jobVersion: job.version });
}

function untag(tx: Tx, command: JobVersionTag, tagged: Job | undefined): CommandResult {
  if (tagged === undefined) {
    const message = `tag "${command.name}" not found on job "${command.jobId}"`;
    return rejected(tx, RejectCode.versionTagNotFound, message);
  }
  const plain = { ...tagged, versionTag: null, modifyIndex: tx.index };
  replaceJobVersion(tx, plain);
  // It counts among the untagged again, which may be one too many.
  putJobVersion(tx, plain);
  return accepted(tx, { jobModifyIndex: tx.index, jobVersion: tagged.version });
}
