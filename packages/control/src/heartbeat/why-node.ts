/** Why a node takes no work, or is waited for (DESIGN §12.6). */
import {
  Eligibility,
  type Node,
  NodeStatus,
  OPERATOR,
  type Reason,
  Rule,
  type StateReader,
  subjectOf,
  waitsFor,
} from "@drover/model";
import { decideDrain } from "../drain/decide-drain.ts";
import { decideMissed } from "./decide-missed.ts";

/** Empty = it is ready and takes work. */
export function whyNode(state: StateReader, node: Node, now: number): readonly Reason[] {
  return [...whySilent(state, node, now), ...whyUnavailable(state, node, now)];
}

function whySilent(state: StateReader, node: Node, now: number): readonly Reason[] {
  const subject = subjectOf.node(node.id);
  const since = node.statusUpdatedAt || null;
  const hint = `look after the machine "${node.name}" and its agent`;
  switch (node.status) {
    case NodeStatus.ready:
      return [];
    case NodeStatus.initializing: {
      const text = "it has registered and not reported itself ready yet";
      return [waitsFor({ rule: Rule.nodeInitializing, subject, text, since, hint }, subject)];
    }
    case NodeStatus.disconnected: {
      const decision = decideMissed({ nodeId: node.id, now }, state);
      return decision.kind === "wait" ? [decision.reason] : [lost(node)];
    }
    default:
      return [lost(node)];
  }
}

function lost(node: Node): Reason {
  return waitsFor(
    {
      rule: Rule.nodeDown,
      subject: subjectOf.node(node.id),
      text: `node "${node.name}" missed its heartbeats and counts as lost`,
      since: node.statusUpdatedAt || null,
      hint: `look after the machine "${node.name}" and its agent`,
    },
    subjectOf.node(node.id),
  );
}

function whyUnavailable(state: StateReader, node: Node, now: number): readonly Reason[] {
  const drain = decideDrain({ nodeId: node.id, now }, state);
  if (drain.kind === "wait") return drain.reasons;
  if (drain.kind === "act") return drain.staying;
  if (node.schedulingEligibility === Eligibility.eligible) return [];
  const text = `node "${node.name}" is not eligible: nothing new is placed on it`;
  const hint = `drover node eligibility -enable ${node.id}`;
  const told = { rule: Rule.nodeIneligible, subject: subjectOf.node(node.id), text, hint };
  return [waitsFor(told, OPERATOR)];
}
