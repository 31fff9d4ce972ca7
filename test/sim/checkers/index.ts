import { Capacity } from "./capacity.ts";
import type { ClusterChecker } from "./checker.ts";
import { DesiredBound } from "./desired-bound.ts";
import { NoOrphans } from "./no-orphans.ts";
import { ServingFloor } from "./serving-floor.ts";
import { StopCommanded } from "./stop-commanded.ts";

/** Fresh ones for one run. I1 is raft's: see packages/node-raft/src/sim/checkers. */
export function allCheckers(): ClusterChecker[] {
  return [
    new ServingFloor(),
    new DesiredBound(),
    new Capacity(),
    new NoOrphans(),
    new StopCommanded(),
  ];
}
