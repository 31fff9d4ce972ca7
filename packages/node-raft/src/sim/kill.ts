/** Runs a mutant until a checker finds it. */
import { loadMutant } from "./load-mutant.ts";
import type { Mutant } from "./mutants.ts";
import { runSeed } from "./simulation.ts";

export interface Kill {
  readonly seed: number;
  readonly checker: string;
}

/**
 * The first seed from 1 on whose run violates an invariant, the oracle or liveness; null = none up
 * to `seedsMax`. An assertion of the mutated code itself does not count: it would not be there if
 * whoever made the bug had forgotten it as well.
 */
export async function killMutant(mutant: Mutant, seedsMax: number): Promise<Kill | null> {
  const code = await loadMutant(mutant);
  for (let seed = 1; seed <= seedsMax; seed += 1) {
    const { failure } = await runSeed(seed, { mode: mutant.mode ?? "core", code });
    if (failure === null || failure.kind === "crash") continue;
    return { seed, checker: failure.checker };
  }
  return null;
}
