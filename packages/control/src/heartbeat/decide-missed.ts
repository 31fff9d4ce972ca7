/** What a node that missed its heartbeat is: down, or disconnected for a while (spec §9.1). */
import { nanosToMs } from "@drover/base";
import {
  type Allocation,
  ClientStatus,
  DesiredStatus,
  NodeStatus,
  type StateReader,
} from "@drover/model";

export interface MissedDecision {
  readonly status: typeof NodeStatus.down | typeof NodeStatus.disconnected;
  /** Epoch ms at which a disconnected node is to be decided again; null = it stays down. */
  readonly recheckAt: number | null;
}

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
  if (waits.length === 0) return { status: NodeStatus.down, recheckAt: null };
  return { status: NodeStatus.disconnected, recheckAt: Math.max(...waits) };
}

/** Until when the allocation is waited for; 0 = it is not. */
function lostAt(alloc: Allocation, state: StateReader, now: number): number {
  if (alloc.desiredStatus !== DesiredStatus.run) return 0;
  const job = state.allocJob(alloc);
  const group = job?.taskGroups.find(({ name }) => name === alloc.taskGroup);
  const lostAfter = group?.disconnect?.lostAfter ?? 0;
  if (lostAfter <= 0) return 0;
  return (
    (alloc.clientStatus === ClientStatus.unknown ? unknownSince(alloc) : now) + nanosToMs(lostAfter)
  );
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
