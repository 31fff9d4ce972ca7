/** Sorts allocations by what the new version does to them (spec §2.6, §3.3 step 14). */
import type { Allocation } from "@drover/model";
import type { InPlaceRequest, UpdateDecision } from "./types.ts";

export interface Updates {
  readonly ignore: readonly Allocation[];
  readonly inPlace: readonly InPlaceRequest[];
  readonly destructive: readonly Allocation[];
}

export function decideUpdates(
  allocs: readonly Allocation[],
  decide: (alloc: Allocation) => UpdateDecision,
): Updates {
  const ignore: Allocation[] = [];
  const inPlace: InPlaceRequest[] = [];
  const destructive: Allocation[] = [];
  for (const alloc of allocs) {
    const decision = decide(alloc);
    if (decision.kind === "ignore") ignore.push(alloc);
    else if (decision.kind === "destructive") destructive.push(alloc);
    else inPlace.push({ alloc, resources: decision.resources });
  }
  return { ignore, inPlace, destructive };
}
