/**
 * node src/sim/cli.ts [--seed N] [--seeds K] [--mode core|node|upkeep|states|upgrade|both]
 *   [--mutant NAME] [--once] [--verbose]
 * node src/sim/cli.ts --kill-list [--seeds K]
 *
 * Runs K seeds from N on, each twice (the traces must be equal; --once: once), and prints what
 * happened. On failure it prints the command that reproduces it and exits 1. With --mutant the run
 * is of code with that bug; --kill-list shows for every mutant after how many seeds it dies.
 */
import { parseArgs } from "node:util";
import { killMutant } from "./kill.ts";
import { loadMutant } from "./load-mutant.ts";
import { mutants } from "./mutants.ts";
import {
  type RunOptions,
  type RunResult,
  realCode,
  runSeed,
  type SimMode,
  simModes,
} from "./simulation.ts";

const FAILURES_MAX = 5;

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "100" },
    mode: { type: "string", default: "both" },
    mutant: { type: "string" },
    "kill-list": { type: "boolean", default: false },
    once: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
  },
});

process.exitCode = (values["kill-list"] ? await printKillList() : await runSeeds()) ? 0 : 1;

async function runSeeds(): Promise<boolean> {
  const mutant = mutants.find(({ name }) => name === values.mutant);
  if (values.mutant !== undefined && mutant === undefined) {
    console.log(`no mutant ${values.mutant}; there are:`);
    console.log(mutants.map(({ name, breaks }) => `  ${name}: ${breaks}`).join("\n"));
    return false;
  }
  const code = mutant === undefined ? realCode : await loadMutant(mutant);
  const modes: readonly SimMode[] =
    values.mode === "both"
      ? mutant === undefined
        ? simModes
        : [mutant.mode ?? "core"]
      : simModes.filter((mode) => mode === values.mode);
  let failures = 0;
  for (const mode of modes) failures += await runMode({ mode, code });
  return failures === 0;
}

async function runMode(options: RunOptions): Promise<number> {
  const first = Number(values.seed);
  const count = Number(values.seeds);
  const totals = new Map<string, number>();
  const startedAt = performance.now();
  let failures = 0;
  let runs = 0;
  let events = 0;
  let acknowledged = 0;
  for (let seed = first; seed < first + count && failures < FAILURES_MAX; seed += 1) {
    const result = await runSeed(seed, options);
    runs += 1;
    events += result.events;
    acknowledged += result.acknowledged;
    for (const [kind, n] of result.counts) totals.set(kind, (totals.get(kind) ?? 0) + n);
    const problem = result.failure?.message ?? (await differs(result, options));
    if (problem === null) continue;
    failures += 1;
    await report(seed, problem, options);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const lines = [...totals].sort().map(([kind, n]) => `${String(n).padStart(10)} ${kind}`);
  console.log(lines.join("\n"));
  const rate = `${seconds.toFixed(1)} s, ${(runs / seconds).toFixed(1)} seeds/s`;
  console.log(`${options.mode}: ${runs} seeds, ${failures} failed, ${events} events, ${rate}`);
  console.log(`${options.mode}: ${acknowledged} writes acknowledged`);
  return failures;
}

/** The second run of a seed must leave the same trace. */
async function differs(result: RunResult, options: RunOptions): Promise<string | null> {
  if (values.once) return null;
  const again = await runSeed(result.seed, options);
  if (again.hash === result.hash) return null;
  return `nondeterminism: traces ${result.hash} and ${again.hash}`;
}

async function report(seed: number, problem: string, options: RunOptions): Promise<void> {
  console.log(`seed ${seed} (${options.mode}) FAILED: ${problem}`);
  if (values.verbose) {
    const { lines, failure } = await runSeed(seed, { ...options, keepLines: true });
    console.log(lines.join("\n"));
    console.log(failure?.cause ?? failure);
  }
  console.log(`reproduce: make sim SEED=${seed} SEEDS=1`);
}

async function printKillList(): Promise<boolean> {
  let survivors = 0;
  for (const mutant of mutants) {
    const seedsMax = Math.max(mutant.seeds, Number(values.seeds));
    const killed = await killMutant(mutant, seedsMax);
    if (killed === null) survivors += 1;
    const how = killed === null ? `SURVIVED ${seedsMax} seeds` : `seed ${killed.seed}`;
    const by = killed === null ? "" : `by ${killed.checker}`;
    console.log(`${mutant.name.padEnd(26)} ${how.padEnd(12)} ${by.padEnd(24)} ${mutant.breaks}`);
  }
  console.log(`${mutants.length} mutants, ${survivors} survived`);
  return survivors === 0;
}
