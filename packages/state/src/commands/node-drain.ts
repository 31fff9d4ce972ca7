/** NodeDrain: starts, changes or ends the emptying of a node (spec chapter 3 §3.14). */
import { DesiredStatus, Eligibility, isBesidePrevious, isTerminal, type Node } from "@drover/model";
import type { Tx } from "../store/tx.ts";
import { putAlloc } from "../writes/allocs.ts";
import { putEvals } from "../writes/evals.ts";
import { nodeEvent, putNode, Subsystem } from "../writes/nodes.ts";
import type { CommandResult, NodeDrain } from "./command.ts";
import { accepted, RejectCode, rejected } from "./result.ts";

const DrainStatus = { draining: "draining", complete: "complete", canceled: "canceled" } as const;

export function applyNodeDrain(tx: Tx, command: NodeDrain): CommandResult {
  const node = tx.read.node(command.nodeId);
  if (node === undefined) return rejected(tx, RejectCode.nodeNotFound, "node not found");
  const row: Node = {
    ...node,
    drainStrategy: command.drain,
    schedulingEligibility: eligibilityAfter(node, command),
    lastDrain: lastDrainAfter(tx, node, command),
  };
  // Ending what had ended already is no event.
  const isNews = command.drain !== null || command.completed || node.drainStrategy !== null;
  putNode(tx, row, isNews ? (command.event ?? ownEvent(tx, command)) : null);
  if (command.drain === null && !command.completed) unmarkWaiting(tx, node);
  putEvals(tx, command.evals);
  return accepted(tx);
}

/**
 * Called off: what waits for its replacement, or for that one's images, stays (DESIGN §12.2, §12.3). One without such a
 * replacement is leaving already, or was told to by an operator.
 */
function unmarkWaiting(tx: Tx, node: Node): void {
  if (tx.v < 2 || node.drainStrategy === null) return;
  for (const alloc of tx.read.allocsByNode(node.id)) {
    if (alloc.desiredTransition.migrate !== true || isTerminal(alloc)) continue;
    const others = tx.read.allocsByJob({ namespace: alloc.namespace, id: alloc.jobId });
    const isAwaited = others.some(
      (next) =>
        next.previousAllocation === alloc.id &&
        isBesidePrevious(next) &&
        next.desiredStatus === DesiredStatus.run,
    );
    if (!isAwaited) continue;
    putAlloc(tx, {
      ...alloc,
      desiredTransition: { ...alloc.desiredTransition, migrate: null },
      modifyIndex: tx.index,
      allocModifyIndex: tx.index,
      modifyTime: tx.now,
    });
  }
}

function eligibilityAfter(node: Node, command: NodeDrain): string {
  if (command.drain !== null) return Eligibility.ineligible;
  return command.markEligible ? Eligibility.eligible : node.schedulingEligibility;
}

/** Who drained it, while access control is off. */
const NOBODY = "token:acls-disabled";

function lastDrainAfter(tx: Tx, node: Node, command: NodeDrain): Node["lastDrain"] {
  const last = node.lastDrain;
  const isRunning = node.drainStrategy !== null && last !== null;
  if (command.drain !== null) {
    return {
      startedAt: isRunning ? last.startedAt : tx.now,
      updatedAt: tx.now,
      status: DrainStatus.draining,
      accessorId: NOBODY,
      meta: { ...command.meta },
    };
  }
  if (!isRunning) return last;
  return {
    ...last,
    updatedAt: tx.now,
    status: command.completed ? DrainStatus.complete : DrainStatus.canceled,
    meta: Object.keys(command.meta).length === 0 ? last.meta : { ...command.meta },
  };
}

function ownEvent(tx: Tx, command: NodeDrain) {
  if (command.completed) {
    const details: Record<string, string> = command.deadlineReached
      ? { deadline_reached: "true" }
      : {};
    return nodeEvent(tx, { message: "Node drain complete", subsystem: Subsystem.drain, details });
  }
  const message = command.drain === null ? "Node drain disabled" : "Node drain strategy set";
  return nodeEvent(tx, { message, subsystem: Subsystem.drain });
}
