/**
 * What one push asks of this node (DESIGN §8, I11). Absence means nothing: an allocation goes only
 * because it is desired to stop or has a tombstone.
 */
import { type Allocation, isClientTerminal, isServerTerminal, type Job } from "@drover/model";

export interface Wanted {
  readonly alloc: Allocation;
  readonly job: Job;
}

/** As it comes off the wire. */
export interface PushedAlloc {
  readonly alloc: Allocation;
  readonly job: Job | null;
}

export type AllocChange =
  | { readonly kind: "add"; readonly want: Wanted }
  | { readonly kind: "update"; readonly want: Wanted }
  | { readonly kind: "remove"; readonly allocId: string };

export function decidePush(input: {
  readonly nodeId: string;
  readonly has: (allocId: string) => boolean;
  readonly allocs: readonly PushedAlloc[];
  readonly removed: readonly string[];
}): AllocChange[] {
  const changes: AllocChange[] = [];
  for (const { alloc, job } of input.allocs) {
    // Without its job version there is nothing to run it by.
    if (!job?.taskGroups.some((group) => group.name === alloc.taskGroup)) continue;
    // Another node's allocation is a mistake of the sender; running it would make a twin.
    if (alloc.nodeId !== input.nodeId) continue;
    const want: Wanted = { alloc, job };
    if (input.has(alloc.id)) changes.push({ kind: "update", want });
    else if (isWorthRunning(alloc)) changes.push({ kind: "add", want });
  }
  for (const allocId of input.removed) {
    if (input.has(allocId)) changes.push({ kind: "remove", allocId });
  }
  return changes;
}

/**
 * Of an allocation without local state: one that ended stays ended. One that is to stop but was
 * never reported as ended is taken on, so that its end gets reported.
 */
function isWorthRunning(alloc: Allocation): boolean {
  return !isClientTerminal(alloc) || (alloc.clientStatus === "lost" && !isServerTerminal(alloc));
}
