import { Acknowledged } from "./acknowledged.ts";
import { Capacity } from "./capacity.ts";
import type { ClusterChecker } from "./checker.ts";
import { DeploymentEnds } from "./deployment-ends.ts";
import { DesiredBound } from "./desired-bound.ts";
import { NoOrphans } from "./no-orphans.ts";
import { Ownership } from "./ownership.ts";
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
    new Ownership(),
    new Acknowledged(),
    new DeploymentEnds(),
  ];
}
