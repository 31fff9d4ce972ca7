/** NodeRegister: a client describes its machine; the rest of the node stays as it is stored. */
import { Eligibility, isNodeGone, type Node, NodeStatus } from "@drover/model";
import { computeNodeClass } from "../store/node-class.ts";
import type { Tx } from "../store/tx.ts";
import { putEvals } from "../writes/evals.ts";
import { ensurePool, nodeEvent, putNode, Subsystem } from "../writes/nodes.ts";
import type { CommandResult, NodeRegister } from "./command.ts";
import { accepted, RejectCode, rejected } from "./result.ts";

export function applyNodeRegister(tx: Tx, command: NodeRegister): CommandResult {
  const given = command.node;
  const stored = tx.read.node(given.id);
  if (stored !== undefined && stored.secretId !== given.secretId) {
    return rejected(
      tx,
      RejectCode.nodeSecretMismatch,
      "node secret ID does not match. Not registering node.",
    );
  }
  ensurePool(tx, given.nodePool);
  const described = { ...given, computedClass: computeNodeClass(given) };
  if (stored === undefined) registerNew(tx, described);
  else registerAgain(tx, stored, described);
  putEvals(tx, command.evals);
  return accepted(tx);
}

function registerNew(tx: Tx, node: Node): void {
  const event = nodeEvent(tx, { message: "Node registered", subsystem: Subsystem.cluster });
  const row: Node = {
    ...node,
    status: node.status || NodeStatus.initializing,
    statusUpdatedAt: tx.now,
    schedulingEligibility: node.schedulingEligibility || Eligibility.eligible,
    drainStrategy: null,
    lastDrain: null,
    // The node is not in the table before this index, so its first event names none.
    events: [{ ...event, createIndex: 0 }],
    lastMissedHeartbeatIndex: 0,
    lastAllocUpdateIndex: 0,
    createIndex: tx.index,
  };
  putNode(tx, row);
}

/** A node that was given up must become ready anew; a ready one stays so whatever it says. */
function registerAgain(tx: Tx, stored: Node, given: Node): void {
  const wasGone = isNodeGone(stored);
  const mayBecomeReady = wasGone || stored.status === NodeStatus.initializing;
  const asked = given.status || NodeStatus.initializing;
  const status = mayBecomeReady ? asked : stored.status;
  const row: Node = {
    ...given,
    status,
    statusDescription: stored.statusDescription,
    statusUpdatedAt: status === stored.status ? stored.statusUpdatedAt : tx.now,
    drainStrategy: stored.drainStrategy,
    schedulingEligibility: stored.schedulingEligibility,
    events: stored.events,
    lastDrain: stored.lastDrain,
    lastMissedHeartbeatIndex:
      status === NodeStatus.ready && wasGone ? 0 : stored.lastMissedHeartbeatIndex,
    lastAllocUpdateIndex: stored.lastAllocUpdateIndex,
    createIndex: stored.createIndex,
  };
  const event = { message: "Node re-registered", subsystem: Subsystem.cluster };
  putNode(tx, row, stored.status === NodeStatus.down ? nodeEvent(tx, event) : null);
}
