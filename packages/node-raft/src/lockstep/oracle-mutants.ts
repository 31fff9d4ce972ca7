/** Planted bugs that the lock-step oracle must find: the simulator's, as far as it compares them. */
import { loadMutant } from "../sim/load-mutant.ts";
import { type Mutant, mutants } from "../sim/mutants.ts";
import { type RunReport, runLockStep } from "./run.ts";

/** Within how many schedules each must be found. */
const WITHIN: Readonly<Record<string, number>> = {
  "vote-before-fsync": 20,
  "vote-forgotten": 20,
  "ack-before-fsync": 20,
  "leader-counts-unsynced": 20,
  "commit-older-term": 20,
  "quorum-off-by-one": 20,
  "joint-quorum-ignored": 20,
  "no-joint-configuration": 20,
  "conf-not-rolled-back": 300,
  "learner-refuses-votes": 600,
  "pre-vote-counts-as-vote": 20,
  "vote-ignores-log-term": 60,
  "append-checks-index-only": 60,
  "truncate-without-conflict": 20,
  "heartbeat-commits-all": 20,
  "stale-durable-counts": 1000,
  "snapshot-has-newest-conf": 60,
  "joint-never-left": 20,
  "all-heard-at-first": 300,
  "read-before-own-term": 300,
  "read-token-reused": 300,
};

/** What the oracle found itself, planted again. */
const FOUND: readonly Mutant[] = [
  {
    name: "all-heard-at-first",
    breaks: "a leader that hears no quorum for an election time-out steps down (E14)",
    edits: [
      {
        file: "core/leader.ts",
        find:
          "its first time-out counts like any other.\n" +
          "  for (const progress of state.tracker.values()) progress.recentActive = false;",
        replace: "it leads as if it heard all of them.",
      },
    ],
    // The simulator has no checker of it.
    seeds: 0,
  },
];

export interface OracleMutant extends Mutant {
  readonly schedules: number;
}

export const oracleMutants: readonly OracleMutant[] = [...mutants, ...FOUND].flatMap((mutant) => {
  const schedules = WITHIN[mutant.name];
  return schedules === undefined ? [] : [{ ...mutant, schedules }];
});

export async function runMutant(mutant: OracleMutant, program: string): Promise<RunReport> {
  const { newCore } = await loadMutant(mutant);
  const { schedules } = mutant;
  return runLockStep({ program, newCore, seed: 1, schedules, shrink: false });
}
