/** NodeStatus: ready, down, disconnected as the leader sees it (spec chapter 9 §9.1). */
import { isNodeGone, NodeStatus } from "@drover/model";
import type { Tx } from "../store/tx.ts";
import { putEvals } from "../writes/evals.ts";
import { putNode, removeServicesOfNode } from "../writes/nodes.ts";
import type { CommandResult, NodeStatusChange } from "./command.ts";
import { accepted, RejectCode, rejected } from "./result.ts";

/** Sets updated: whether the status moved. */
export function applyNodeStatus(tx: Tx, command: NodeStatusChange): CommandResult {
  const node = tx.read.node(command.nodeId);
  if (node === undefined) return rejected(tx, RejectCode.nodeNotFound, "node not found");
  const missed = isNodeGone(command) ? tx.index : node.lastMissedHeartbeatIndex;
  const row = {
    ...node,
    status: command.status,
    statusUpdatedAt: tx.now,
    lastMissedHeartbeatIndex: command.status === NodeStatus.ready ? 0 : missed,
  };
  putNode(tx, row, command.event);
  if (command.status === NodeStatus.down) removeServicesOfNode(tx, node.id);
  putEvals(tx, command.evals);
  return accepted(tx, { updated: node.status !== command.status });
}
