/** Answers of commands. A user's mistake is a rejected answer; a throw is a bug (STYLE §5). */
import type { Tx } from "../store/tx.ts";
import type { CommandResult, CommandValue } from "./command.ts";

export function accepted(tx: Tx, value: CommandValue = {}): CommandResult {
  return { ok: true, index: tx.index, value };
}

/** Codes of rejected commands; the texts are what users see (spec chapters 2 and 4). */
export const RejectCode = {
  jobModifyIndexConflict: "JOB_MODIFY_INDEX_CONFLICT",
  jobIncompatible: "JOB_INCOMPATIBLE",
  jobVersionConflict: "JOB_VERSION_CONFLICT",
  jobNotFound: "JOB_NOT_FOUND",
  jobVersionNotFound: "JOB_VERSION_NOT_FOUND",
  versionTagExists: "VERSION_TAG_EXISTS",
  versionTagNotFound: "VERSION_TAG_NOT_FOUND",
  deploymentNotFound: "DEPLOYMENT_NOT_FOUND",
  deploymentTerminal: "DEPLOYMENT_TERMINAL",
  deploymentNotPromotable: "DEPLOYMENT_NOT_PROMOTABLE",
  allocNotInDeployment: "ALLOC_NOT_IN_DEPLOYMENT",
  nodeNotFound: "NODE_NOT_FOUND",
  nodeSecretMismatch: "NODE_SECRET_MISMATCH",
  nodeDraining: "NODE_DRAINING",
  clusterMismatch: "CLUSTER_MISMATCH",
  namespaceInUse: "NAMESPACE_IN_USE",
  namespaceNotFound: "NAMESPACE_NOT_FOUND",
  nodePoolInUse: "NODE_POOL_IN_USE",
  nodePoolNotFound: "NODE_POOL_NOT_FOUND",
  builtin: "BUILTIN",
  overloaded: "OVERLOADED",
} as const;
export type RejectCode = (typeof RejectCode)[keyof typeof RejectCode];

export function rejected(tx: Tx, code: RejectCode, message: string): CommandResult {
  return { ok: false, index: tx.index, code, message };
}
