/**
 * A deliberate bug, as substitutions in the sources of production code, and who must find it. The
 * edits are made while the sources are loaded (`plant.ts`): nothing is ever written, and no
 * production build can contain one.
 */
export interface Edit {
  readonly file: string;
  /** Occurs exactly once. */
  readonly find: string;
  readonly replace: string;
}

export type Killer =
  /** An invariant of the simulation of whole clusters, in one of the first `seeds`. */
  | { readonly by: "simulation"; readonly seeds: number }
  /** The test of this very name. */
  | { readonly by: "test"; readonly file: string; readonly name: string };

export interface Mutant {
  readonly name: string;
  /** The rule it breaks. */
  readonly breaks: string;
  readonly edits: readonly Edit[];
  /** Each of them must find it. */
  readonly killers: readonly Killer[];
}
