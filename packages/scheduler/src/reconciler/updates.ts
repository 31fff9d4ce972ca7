/** Sorts allocations by what the new version does to them (spec §2.6, §3.3 step 14). */
import { unreachable } from "@drover/base";
import type { Allocation } from "@drover/model";
import type { Slices } from "../scheduler.ts";
import { inSlices } from "../slices.ts";
import { Open } from "./open.ts";
import type { InPlaceRequest, UpdateDecision } from "./types.ts";

/** Allocations that the new version replaces. */
export type Outdated = Open<"outdated", Allocation>;

export interface Updates {
  readonly ignore: readonly Allocation[];
  readonly inPlace: readonly InPlaceRequest[];
  readonly outdated: Outdated;
}

export function* decideUpdates(
  allocs: readonly Allocation[],
  decide: (alloc: Allocation) => UpdateDecision,
): Slices<Updates> {
  const ignore: Allocation[] = [];
  const inPlace: InPlaceRequest[] = [];
  const outdated: Allocation[] = [];
  yield* inSlices(allocs, (alloc) => {
    const decision = decide(alloc);
    switch (decision.kind) {
      case "ignore":
        ignore.push(alloc);
        break;
      case "inPlace":
        inPlace.push({ alloc, resources: decision.resources });
        break;
      case "destructive":
        outdated.push(alloc);
        break;
      default:
        unreachable(decision);
    }
  });
  return { ignore, inPlace, outdated: new Open("outdated", outdated) };
}
