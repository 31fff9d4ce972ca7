/**
 * Simulates whole clusters: node test/sim/cli.ts --seed N --seeds K [--quiet] [--verbose]
 * Ends with 1 when a run fails; the printed command reproduces it.
 */
import { parseArgs } from "node:util";
import { type RunResult, runSeed } from "./simulation.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "1" },
    /** Failures only. */
    quiet: { type: "boolean", default: false },
    /** The last lines of the trace and of the agents' logs. */
    verbose: { type: "boolean", default: false },
    /** Each seed twice: the traces must be equal. */
    twice: { type: "boolean", default: false },
  },
});

const first = Number(values.seed);
const last = first + Number(values.seeds) - 1;
let failed = 0;
for (let seed = first; seed <= last; seed += 1) {
  const began = performance.now();
  const result = await runSeed(seed, { keepLines: values.verbose });
  if (!values.quiet || result.failure !== null) print(result, performance.now() - began);
  if (result.failure !== null) failed += 1;
  if (!values.twice) continue;
  const again = await runSeed(seed, { keepLines: values.verbose });
  if (again.hash === result.hash) continue;
  failed += 1;
  console.log(`seed ${seed}: not the same twice: ${result.hash} ${again.hash}`);
}
console.log(`${last - first + 1} seeds, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

function print(result: RunResult, tookMs: number): void {
  const { seed, hash, events, simulatedMs, counts, failure, lines } = result;
  const kinds = [...counts].filter(([kind]) => kind.startsWith("fault ") && !kind.includes(">"));
  const faults = kinds.map(([kind, count]) => `${kind.slice(6)} ${count}`).sort();
  const seconds = Math.round(simulatedMs / 1000);
  console.log(
    `seed ${seed}: ${events} events in ${seconds} simulated s, ${Math.round(tookMs)} ms, ` +
      `hash ${hash}; faults: ${faults.join(", ") || "none"}`,
  );
  if (values.verbose) {
    for (const line of lines) console.log(line);
    for (const [kind, count] of counts) console.log(`${kind}: ${count}`);
  }
  if (failure === null) return;
  console.log(`seed ${seed} FAILED (${failure.kind}): ${failure.message}`);
  if (failure.kind === "crash") console.log(failure.cause ?? failure.stack);
  console.log(`reproduce: node test/sim/cli.ts --seed ${seed} --verbose`);
}
