/** The steps every job type begins with, and how jobs and groups that are gone are stopped. */
import {
  type Allocation,
  ClientStatus,
  isClientTerminal,
  isServerTerminal,
  isTerminal,
  NodeStatus,
} from "@drover/model";
import type { Slices } from "../scheduler.ts";
import { inSlices } from "../slices.ts";
import { AllocClass, classify } from "./buckets.ts";
import type { Draft } from "./draft.ts";
import { classifyContext } from "./pass.ts";
import { Description, noUpdates, type ReconcileInput } from "./types.ts";

export function* groupAllocs(
  allocs: readonly Allocation[],
): Slices<ReadonlyMap<string, readonly Allocation[]>> {
  const byGroup = new Map<string, Allocation[]>();
  yield* inSlices(allocs, (alloc) => {
    const group = byGroup.get(alloc.taskGroup);
    if (group) group.push(alloc);
    else byGroup.set(alloc.taskGroup, [alloc]);
  });
  return byGroup;
}

/** J3: what was told to stop on a node that is gone will not report its end any more. */
export function* loseStopped(input: ReconcileInput, draft: Draft): Slices<void> {
  yield* inSlices(input.allocs, (alloc) => {
    if (!isServerTerminal(alloc) || isClientTerminal(alloc)) return;
    if (alloc.clientStatus === ClientStatus.unknown) return;
    const node = input.node(alloc.nodeId);
    if (node !== undefined && node.status !== NodeStatus.down) return;
    draft.stop({ alloc, description: Description.lost, clientStatus: ClientStatus.lost });
  });
}

/** J1, J2: the job, the group or its whole count is gone. */
export function* stopGroup(
  input: ReconcileInput,
  draft: Draft,
  scope: { readonly name: string; readonly allocs: readonly Allocation[]; readonly isJob: boolean },
): Slices<void> {
  const desired = noUpdates();
  draft.desired[scope.name] = desired;
  const context = classifyContext({ input });
  yield* inSlices(scope.allocs, (alloc) => {
    if (scope.isJob ? isTerminal(alloc) : isServerTerminal(alloc)) return;
    const isLost = classify(alloc, context) === AllocClass.lost;
    draft.stop(
      isLost
        ? { alloc, description: Description.lost, clientStatus: ClientStatus.lost }
        : { alloc, description: Description.notNeeded },
    );
    desired.stop++;
  });
}
