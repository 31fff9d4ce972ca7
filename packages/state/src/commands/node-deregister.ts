/** NodeDeregister: forgets nodes; their allocations are lost to the next evaluation. */
import type { Tx } from "../store/tx.ts";
import { putEvals } from "../writes/evals.ts";
import { removeServicesOfNode } from "../writes/nodes.ts";
import type { CommandResult, NodeDeregister } from "./command.ts";
import { accepted } from "./result.ts";

export function applyNodeDeregister(tx: Tx, command: NodeDeregister): CommandResult {
  for (const id of command.nodeIds) {
    if (tx.read.node(id) === undefined) continue;
    tx.remove("nodes", id);
    removeServicesOfNode(tx, id);
  }
  putEvals(tx, command.evals);
  return accepted(tx);
}
