/**
 * node src/sim/cli.ts [--seed N] [--seeds K] [--mode core|node|upkeep|states|upgrade|both]
 *   [--mutant NAME] [--once] [--verbose] [--without PARTS]
 * node src/sim/cli.ts --kill-list [--mutant NAME] [--write]
 *
 * Runs K seeds from N on, each twice (the traces must be equal; --once: once), and prints what
 * happened. On failure it looks for a smaller run that fails the same way, prints what is left of
 * it and the command that plays it again, and exits 1. With --mutant the run is of code with that
 * bug; --kill-list shows for every mutant after how many seeds it dies, --write in MUTANTS.md.
 */
import { parseArgs } from "node:util";
import { killMutant } from "./kill.ts";
import { loadMutant } from "./load-mutant.ts";
import { type Killed, writeMutantsDoc } from "./mutant-table.ts";
import { mutants } from "./mutants.ts";
import type { Scenario } from "./scenario.ts";
import { leftOutOf, leftOutText, shrink, smallerScenario } from "./shrink.ts";
import {
  type RunOptions,
  type RunResult,
  realCode,
  reproduction,
  runSeed,
  type SimMode,
  simModes,
  thinness,
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
    without: { type: "string" },
    write: { type: "boolean", default: false },
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
  const leftOut = values.without === undefined ? null : leftOutOf(values.without);
  const smaller = leftOut && ((scenario: Scenario) => smallerScenario(scenario, leftOut));
  for (const mode of modes)
    failures += await runMode({ mode, code, smaller: smaller ?? undefined });
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
    const thin = options.smaller === undefined ? thinness(result) : null;
    const problem = result.failure?.message ?? thin ?? (await differs(result, options));
    if (problem === null) continue;
    failures += 1;
    await report(result, problem, options);
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

async function report(whole: RunResult, problem: string, options: RunOptions): Promise<void> {
  const { seed, failure } = whole;
  console.log(`seed ${seed} (${options.mode}) FAILED: ${problem}`);
  console.log(`reproduce: ${commandOf(seed, options)}`);
  if (failure === null || values.without !== undefined) {
    if (values.verbose) await showLines(seed, options);
    return;
  }
  const smaller = await shrink(whole, options);
  const { faults } = smaller?.result ?? whole;
  console.log(`${faults.length} of ${whole.faults.length} faults are left:`);
  for (const { atMs, kind, number } of faults) {
    console.log(`${atMs.toFixed(1).padStart(10)} ms  ${kind} (${number})`);
  }
  if (smaller === null) return;
  console.log(`smaller: ${smaller.result.failure?.message}`);
  const without = leftOutText(smaller.leftOut);
  console.log(`reproduce: ${commandOf(seed, options)} --without ${without} --verbose`);
}

async function showLines(seed: number, options: RunOptions): Promise<void> {
  const { lines, failure } = await runSeed(seed, { ...options, keepLines: true });
  console.log(lines.join("\n"));
  console.log(failure?.cause ?? failure);
}

function commandOf(seed: number, { mode }: RunOptions): string {
  const mutant = values.mutant === undefined ? "" : ` --mutant ${values.mutant}`;
  return reproduction(mode ?? "core", seed) + mutant;
}

async function printKillList(): Promise<boolean> {
  const chosen = mutants.filter(({ name }) => (values.mutant ?? name) === name);
  const kills = new Map<string, Killed>();
  for (const mutant of chosen) {
    const killed = await killMutant(mutant, mutant.seeds);
    const how = killed === null ? `SURVIVED ${mutant.seeds} seeds` : `seed ${killed.seed}`;
    const by = killed === null ? "" : `by ${killed.checker}`;
    console.log(`${mutant.name.padEnd(26)} ${how.padEnd(12)} ${by.padEnd(24)} ${mutant.breaks}`);
    if (killed !== null) kills.set(mutant.name, killed);
  }
  console.log(`${chosen.length} mutants, ${chosen.length - kills.size} survived`);
  if (values.write) writeMutantsDoc(kills);
  return kills.size === chosen.length;
}
