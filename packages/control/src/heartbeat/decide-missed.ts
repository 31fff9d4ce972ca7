/** What a node that missed its heartbeat is: down, or disconnected for a while (spec §9.1). */
import { nanosToMs } from "@drover/base";
import {
  type Allocation,
  ClientStatus,
  DesiredStatus,
  isClientTerminal,
  type Node,
  NodeStatus,
  type Reason,
  Rule,
  type StateReader,
  subjectOf,
  waitsFor,
} from "@drover/model";
import { groupOf } from "../deployment/replaceable.ts";

export type MissedDecision =
  | {
      readonly kind: "mark";
      readonly status: typeof NodeStatus.down | typeof NodeStatus.disconnected;
      /** Epoch ms at which a disconnected node is to be decided again; null = it stays down. */
      readonly recheckAt: number | null;
    }
  /** Marked already, and waited for until then. */
  | { readonly kind: "wait"; readonly reason: Reason; readonly recheckAt: number };

export function decideMissed(
  input: { readonly nodeId: string; readonly now: number },
  state: StateReader,
): MissedDecision {
  const node = state.node(input.nodeId);
  const mayReturn = node?.status === NodeStatus.ready || node?.status === NodeStatus.disconnected;
  const waits = mayReturn
    ? state
        .allocsByNode(input.nodeId)
        .map((alloc) => lostAt(alloc, state, input.now))
        .filter((at) => at > input.now)
    : [];
  if (waits.length === 0) return { kind: "mark", status: NodeStatus.down, recheckAt: null };
  const recheckAt = Math.max(...waits);
  return node?.status === NodeStatus.disconnected
    ? { kind: "wait", reason: disconnected(node, recheckAt), recheckAt }
    : { kind: "mark", status: NodeStatus.disconnected, recheckAt };
}

function disconnected(node: Node, recheckAt: number): Reason {
  return waitsFor(
    {
      rule: Rule.nodeDisconnected,
      subject: subjectOf.node(node.id),
      text: `node "${node.name}" is out of reach, and its allocations may wait for it to return`,
      since: node.statusUpdatedAt || null,
      wakesAt: recheckAt,
      hint: `look after the machine "${node.name}" and its agent`,
    },
    subjectOf.node(node.id),
  );
}

/** Until when the allocation is waited for; 0 = it is not. */
function lostAt(alloc: Allocation, state: StateReader, now: number): number {
  if (alloc.clientStatus === ClientStatus.unknown) return graceEndsAt(alloc, state);
  const graceMs = graceMsOf(alloc, state);
  return graceMs === 0 ? 0 : now + graceMs;
}

/** Epoch ms at which an unknown allocation counts as lost; 0 = nobody waits for it. */
export function graceEndsAt(alloc: Allocation, state: StateReader): number {
  const graceMs = graceMsOf(alloc, state);
  return graceMs === 0 ? 0 : unknownSince(alloc) + graceMs;
}

function graceMsOf(alloc: Allocation, state: StateReader): number {
  if (alloc.desiredStatus !== DesiredStatus.run || isClientTerminal(alloc)) return 0;
  return nanosToMs(Math.max(0, groupOf(state, alloc)?.disconnect?.lostAfter ?? 0));
}

/** Start of the latest run of `unknown` among its recorded states. */
function unknownSince(alloc: Allocation): number {
  let since = alloc.modifyTime;
  for (const entry of [...alloc.allocStates].reverse()) {
    if (entry.value !== ClientStatus.unknown) break;
    since = entry.time;
  }
  return since;
}
