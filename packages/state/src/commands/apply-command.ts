/** The table of commands: one row per tag, each implemented in its own file. */
import { assert } from "@drover/base";
import type { Tx } from "../store/tx.ts";
import { applyAllocClientUpdate } from "./alloc-client-update.ts";
import { applyAllocDesiredTransition } from "./alloc-desired-transition.ts";
import { applyClusterInit } from "./cluster-init.ts";
import { type Command, type CommandResult, CommandTag } from "./command.ts";
import { applyDeploymentAllocHealth } from "./deployment-alloc-health.ts";
import { applyDeploymentPromote } from "./deployment-promote.ts";
import { applyDeploymentStatus } from "./deployment-status.ts";
import { applyEvalUpdate } from "./eval-update.ts";
import { applyGarbageCollect } from "./garbage-collect.ts";
import { applyJobDeregister } from "./job-deregister.ts";
import { applyJobRegister } from "./job-register.ts";
import { applyJobStability } from "./job-stability.ts";
import { applyJobVersionTag } from "./job-version-tag.ts";
import { applyNamespaceDelete, applyNamespaceUpsert } from "./namespaces.ts";
import { applyNodeDeregister } from "./node-deregister.ts";
import { applyNodeDrain } from "./node-drain.ts";
import { applyNodeEligibility } from "./node-eligibility.ts";
import { applyNodePoolDelete, applyNodePoolUpsert } from "./node-pools.ts";
import { applyNodeRegister } from "./node-register.ts";
import { applyNodeStatus } from "./node-status.ts";
import { applyPlan } from "./plan-apply.ts";
import { applyScalingEvent } from "./scaling-event.ts";
import { applySchedulerConfig } from "./scheduler-config.ts";
import { applyServiceDelete, applyServiceUpsert } from "./services.ts";

type Apply<T extends CommandTag> = (
  tx: Tx,
  command: Extract<Command, { readonly tag: T }>,
) => CommandResult;

const APPLY: { readonly [T in CommandTag]: Apply<T> } = {
  [CommandTag.jobRegister]: applyJobRegister,
  [CommandTag.jobDeregister]: applyJobDeregister,
  [CommandTag.jobStability]: applyJobStability,
  [CommandTag.jobVersionTag]: applyJobVersionTag,
  [CommandTag.evalUpdate]: applyEvalUpdate,
  [CommandTag.planApply]: applyPlan,
  [CommandTag.allocClientUpdate]: applyAllocClientUpdate,
  [CommandTag.allocDesiredTransition]: applyAllocDesiredTransition,
  [CommandTag.nodeRegister]: applyNodeRegister,
  [CommandTag.nodeDeregister]: applyNodeDeregister,
  [CommandTag.nodeStatus]: applyNodeStatus,
  [CommandTag.nodeDrain]: applyNodeDrain,
  [CommandTag.nodeEligibility]: applyNodeEligibility,
  [CommandTag.deploymentStatus]: applyDeploymentStatus,
  [CommandTag.deploymentPromote]: applyDeploymentPromote,
  [CommandTag.deploymentAllocHealth]: applyDeploymentAllocHealth,
  [CommandTag.garbageCollect]: applyGarbageCollect,
  [CommandTag.scalingEvent]: applyScalingEvent,
  [CommandTag.schedulerConfig]: applySchedulerConfig,
  [CommandTag.serviceUpsert]: applyServiceUpsert,
  [CommandTag.serviceDelete]: applyServiceDelete,
  [CommandTag.namespaceUpsert]: applyNamespaceUpsert,
  [CommandTag.namespaceDelete]: applyNamespaceDelete,
  [CommandTag.nodePoolUpsert]: applyNodePoolUpsert,
  [CommandTag.nodePoolDelete]: applyNodePoolDelete,
  [CommandTag.clusterInit]: applyClusterInit,
};

export function applyCommand(tx: Tx, command: Command): CommandResult {
  const apply = APPLY[command.tag] as Apply<CommandTag> | undefined;
  assert(apply !== undefined, () => `unknown command tag ${command.tag}`);
  return apply(tx, command);
}
