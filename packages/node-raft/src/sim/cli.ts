/**
 * node src/sim/cli.ts --seed N --seeds K [--mutant NAME] [--verbose]
 *
 * Runs K seeds from N on, each twice (the traces must be equal), and prints what happened. On failure
 * it prints the command that reproduces it and exits 1.
 */
import { parseArgs } from "node:util";
import { type RunResult, runSeed } from "./simulation.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "100" },
    mode: { type: "string", default: "core" },
    once: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
  },
});

const first = Number(values.seed);
const count = Number(values.seeds);
const mode = values.mode === "node" ? "node" : "core";
const totals = new Map<string, number>();
const startedAt = performance.now();
let failures = 0;
let events = 0;
for (let seed = first; seed < first + count && failures < 5; seed += 1) {
  const result = await runSeed(seed, { mode });
  events += result.events;
  for (const [kind, n] of result.counts) totals.set(kind, (totals.get(kind) ?? 0) + n);
  const again = values.once ? result : await runSeed(seed, { mode });
  if (again.hash !== result.hash) await report(seed, "two runs of the seed differ", result);
  else if (result.failure !== null) await report(seed, result.failure.message, result);
}
const seconds = (performance.now() - startedAt) / 1000;
console.log(
  [...totals]
    .sort()
    .map(([k, n]) => `${String(n).padStart(10)} ${k}`)
    .join("\n"),
);
console.log(
  `${count} seeds, ${events} events, ${seconds.toFixed(1)} s, ${(count / seconds).toFixed(1)} seeds/s`,
);
process.exitCode = failures === 0 ? 0 : 1;

async function report(seed: number, message: string, _result: RunResult): Promise<void> {
  failures += 1;
  console.log(`seed ${seed} FAILED: ${message}`);
  if (values.verbose)
    console.log((await runSeed(seed, { mode, keepLines: true })).lines.join("\n"));
  console.log(`reproduce: make sim SEED=${seed} SEEDS=1`);
}
