/** The steps every job type begins with, and how jobs and groups that are gone are stopped. */
import {
  type Allocation,
  ClientStatus,
  isClientTerminal,
  isServerTerminal,
  isTerminal,
  NodeStatus,
} from "@drover/model";
import { AllocClass, classify } from "./buckets.ts";
import type { Draft } from "./draft.ts";
import { classifyContext } from "./pass.ts";
import { Description, noUpdates, type ReconcileInput } from "./types.ts";

export function groupAllocs(allocs: readonly Allocation[]): Map<string, Allocation[]> {
  const byGroup = new Map<string, Allocation[]>();
  for (const alloc of allocs) {
    const group = byGroup.get(alloc.taskGroup);
    if (group) group.push(alloc);
    else byGroup.set(alloc.taskGroup, [alloc]);
  }
  return byGroup;
}

/** I1: what was told to stop on a node that is gone will not report its end any more. */
export function loseStopped(input: ReconcileInput, draft: Draft): void {
  for (const alloc of input.allocs) {
    if (!isServerTerminal(alloc) || isClientTerminal(alloc)) continue;
    if (alloc.clientStatus === ClientStatus.unknown) continue;
    const node = input.node(alloc.nodeId);
    if (node !== undefined && node.status !== NodeStatus.down) continue;
    draft.stop({ alloc, description: Description.lost, clientStatus: ClientStatus.lost });
  }
}

/** J1, J2: the job, the group or its whole count is gone. */
export function stopGroup(
  input: ReconcileInput,
  draft: Draft,
  scope: { readonly name: string; readonly allocs: readonly Allocation[]; readonly isJob: boolean },
): void {
  const desired = noUpdates();
  draft.desired[scope.name] = desired;
  const context = classifyContext({ input });
  for (const alloc of scope.allocs) {
    if (scope.isJob ? isTerminal(alloc) : isServerTerminal(alloc)) continue;
    const isLost = classify(alloc, context) === AllocClass.lost;
    draft.stop(
      isLost
        ? { alloc, description: Description.lost, clientStatus: ClientStatus.lost }
        : { alloc, description: Description.notNeeded },
    );
    desired.stop++;
  }
}
