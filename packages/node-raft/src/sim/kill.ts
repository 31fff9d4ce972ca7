/** Runs a mutant until a checker finds it. */
import { loadMutant } from "./load-mutant.ts";
import { type Mutant, mutants } from "./mutants.ts";
import { runSeed, type SimMode } from "./simulation.ts";

/** Those that take longer are for the long runs (cli.ts --kill-list). */
const QUICK_SEEDS = 500;

export const quickMutants: readonly Mutant[] = mutants.filter(({ seeds }) => seeds <= QUICK_SEEDS);

/** Up to which seed of a mode a quick mutant may live; the code itself must survive them all. */
export function quickSeeds(mode: SimMode): number {
  const ofMode = quickMutants.filter((mutant) => (mutant.mode ?? "core") === mode);
  return Math.max(...ofMode.map(({ seeds }) => seeds));
}

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
