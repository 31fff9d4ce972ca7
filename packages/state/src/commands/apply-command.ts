/** The table of commands: one row per tag, each implemented in its own file. */
import { unreachable } from "@drover/base";
import type { Tx } from "../store/tx.ts";
import { applyAllocClientUpdate } from "./alloc-client-update.ts";
import { applyClusterInit } from "./cluster-init.ts";
import { type Command, type CommandResult, CommandTag } from "./command.ts";
import { applyDeploymentStatus } from "./deployment-status.ts";
import { applyEvalUpdate } from "./eval-update.ts";
import { applyJobRegister } from "./job-register.ts";
import { applyJobStability } from "./job-stability.ts";
import { applyNodeRegister } from "./node-register.ts";
import { applyNodeStatus } from "./node-status.ts";
import { applyPlan } from "./plan-apply.ts";

export function applyCommand(tx: Tx, command: Command): CommandResult {
  switch (command.tag) {
    case CommandTag.jobRegister:
      return applyJobRegister(tx, command);
    case CommandTag.jobStability:
      return applyJobStability(tx, command);
    case CommandTag.evalUpdate:
      return applyEvalUpdate(tx, command);
    case CommandTag.planApply:
      return applyPlan(tx, command);
    case CommandTag.allocClientUpdate:
      return applyAllocClientUpdate(tx, command);
    case CommandTag.nodeRegister:
      return applyNodeRegister(tx, command);
    case CommandTag.nodeStatus:
      return applyNodeStatus(tx, command);
    case CommandTag.deploymentStatus:
      return applyDeploymentStatus(tx, command);
    case CommandTag.clusterInit:
      return applyClusterInit(tx, command);
    default:
      return unreachable(command as never);
  }
}
