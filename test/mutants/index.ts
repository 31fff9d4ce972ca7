/** Every planted bug. */
import { clientMutants } from "./client.ts";
import { leaderMutants } from "./leader.ts";
import type { Mutant } from "./mutant.ts";
import { reconcilerMutants } from "./reconciler.ts";
import { stateMutants } from "./state.ts";

export const mutants: readonly Mutant[] = [
  ...reconcilerMutants,
  ...leaderMutants,
  ...stateMutants,
  ...clientMutants,
];
