/**
 * Simulates whole clusters: node test/sim/cli.ts --seed N --seeds K [--step S] [--quiet]
 * Ends with 1 when a run fails; the printed command reproduces it.
 */
import { parseArgs } from "node:util";
import { faultsOf, runSeeds, type SeedReport } from "./pool.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "1" },
    /** From one seed to the next; with --seed 100 --step 100 only the wide ones. */
    step: { type: "string", default: "1" },
    /** Processes; as many as can run at once unless it says. */
    jobs: { type: "string" },
    /** Failures, and how far it is at every hundredth seed. */
    quiet: { type: "boolean", default: false },
    /** The last lines of the trace and of the agents' logs. */
    verbose: { type: "boolean", default: false },
    /** Each seed twice: the traces must be equal. */
    twice: { type: "boolean", default: false },
  },
});

const total = { seeds: 0, failed: 0, events: 0, faults: 0, simulatedMs: 0, tookMs: 0 };
const { jobs } = values;
/** Told to stop, it ends what has begun and says how far it came. */
const told = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => told.abort());
await runSeeds(
  {
    first: Number(values.seed),
    count: Number(values.seeds),
    step: Number(values.step),
    keepLines: values.verbose,
    twice: () => values.twice,
    signal: told.signal,
    ...(jobs === undefined ? {} : { jobs: Number(jobs) }),
  },
  (report) => {
    total.seeds += 1;
    total.events += report.events;
    total.faults += faultsOf(report.counts);
    total.simulatedMs += report.simulatedMs;
    total.tookMs += report.tookMs;
    if (report.failure !== null) total.failed += 1;
    if (!values.quiet || report.failure !== null) print(report);
    else if (total.seeds % 100 === 0) console.log(summary());
  },
);
console.log(summary());
process.exitCode = total.failed === 0 ? 0 : 1;

function summary(): string {
  const { seeds, failed, events, faults, simulatedMs, tookMs } = total;
  return (
    `${seeds} seeds, ${failed} failed, ${events} events, ${faults} faults, ` +
    `${Math.round(simulatedMs / 3_600_000)} simulated h, ${Math.round(tookMs / 1000)} s of work`
  );
}

function print(report: SeedReport): void {
  const { seed, hash, events, simulatedMs, counts, failure, lines, tookMs } = report;
  const kinds = Object.entries(counts).filter(([kind]) => kind.startsWith("fault "));
  const faults = kinds.map(([kind, count]) => `${kind.slice(6)} ${count}`).sort();
  const seconds = Math.round(simulatedMs / 1000);
  console.log(
    `seed ${seed}: ${events} events in ${seconds} simulated s, ${Math.round(tookMs)} ms, ` +
      `hash ${hash}; faults: ${faults.join(", ") || "none"}`,
  );
  if (values.verbose) {
    for (const line of lines) console.log(line);
    for (const [kind, count] of Object.entries(counts)) console.log(`${kind}: ${count}`);
  }
  if (failure === null) return;
  console.log(`seed ${seed} FAILED (${failure.kind}): ${failure.message}`);
  if (failure.detail !== "") console.log(failure.detail);
  console.log(`reproduce: node test/sim/cli.ts --seed ${seed} --verbose`);
}
