/** NodeEligibility: whether new allocations may come to a node. */
import { Eligibility } from "@drover/model";
import type { Tx } from "../store/tx.ts";
import { putEvals } from "../writes/evals.ts";
import { nodeEvent, putNode, Subsystem } from "../writes/nodes.ts";
import type { CommandResult, NodeEligibility } from "./command.ts";
import { accepted, RejectCode, rejected } from "./result.ts";

/** Sets updated: whether it was otherwise before. */
export function applyNodeEligibility(tx: Tx, command: NodeEligibility): CommandResult {
  const node = tx.read.node(command.nodeId);
  if (node === undefined) return rejected(tx, RejectCode.nodeNotFound, "node not found");
  const { eligibility } = command;
  if (node.drainStrategy !== null && eligibility === Eligibility.eligible) {
    return rejected(
      tx,
      RejectCode.nodeDraining,
      "can not set node's scheduling eligibility to eligible while it is draining",
    );
  }
  const updated = node.schedulingEligibility !== eligibility;
  if (updated) {
    const message = `Node marked as ${eligibility} for scheduling`;
    const event = command.event ?? nodeEvent(tx, { message, subsystem: Subsystem.cluster });
    putNode(tx, { ...node, schedulingEligibility: eligibility }, event);
  }
  putEvals(tx, command.evals);
  return accepted(tx, { updated });
}
