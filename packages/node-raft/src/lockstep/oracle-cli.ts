/**
 * node src/lockstep/oracle-cli.ts [--seed N] [--schedules K] [--mutants]
 *
 * Plays K random schedules from seed N on, on our core and on etcd's raft at once, and says how many
 * steps and comparisons that were. At a disagreement it prints what is left of the schedule when it
 * is made as small as may be, the command that reproduces it, and exits 1. --mutants does so for
 * planted bugs instead: after how many schedules each is found. Without Go it says so and exits 0.
 */
import { parseArgs } from "node:util";
import { buildOracle } from "./etcd-peer.ts";
import { oracleMutants, runMutant } from "./oracle-mutants.ts";
import { runLockStep } from "./run.ts";
import { scheduleOf } from "./schedule.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    schedules: { type: "string", default: "200" },
    mutants: { type: "boolean", default: false },
  },
});

const built = buildOracle();
if ("missing" in built) console.log(`skipped: the lock-step oracle, ${built.missing}`);
else process.exitCode = (await (values.mutants ? mutants : compare)(built.program)) ? 0 : 1;

async function compare(program: string): Promise<boolean> {
  const startedAt = performance.now();
  const seed = Number(values.seed);
  const report = await runLockStep({ program, seed, schedules: Number(values.schedules) });
  const events = [...report.events].sort();
  for (const [kind, n] of events) console.log(`${String(n).padStart(10)} ${kind}`);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const { schedules, steps, comparisons, finding } = report;
  console.log(`${schedules} schedules, ${steps} steps, ${comparisons} comparisons in ${seconds} s`);
  if (finding === null) return true;
  const { source, voters, slowDisk } = scheduleOf(finding.seed).settings;
  console.log(`seed ${finding.seed} FAILED: ${finding.problem}`);
  console.log(`${voters} voters, messages of ${source}, ${slowDisk ? "slow" : "instant"} disks:`);
  for (const { kind, pick, pick2 } of finding.operations) {
    console.log(`  ${kind.padEnd(12)} ${pick.toFixed(3)} ${pick2.toFixed(3)}`);
  }
  const command = "node packages/node-raft/src/lockstep/oracle-cli.ts";
  console.log(`reproduce: ${command} --seed ${finding.seed} --schedules 1`);
  return false;
}

async function mutants(program: string): Promise<boolean> {
  let survivors = 0;
  for (const mutant of oracleMutants) {
    const { schedules, finding } = await runMutant(mutant, program);
    if (finding === null) survivors += 1;
    const how = finding === null ? `SURVIVED ${schedules}` : `schedule ${finding.seed}`;
    const within = `of ${mutant.schedules}`;
    const problem = finding?.problem ?? "";
    console.log(`${mutant.name.padEnd(26)} ${how.padEnd(14)} ${within.padEnd(8)} ${problem}`);
  }
  console.log(`${oracleMutants.length} mutants, ${survivors} survived`);
  return survivors === 0;
}
