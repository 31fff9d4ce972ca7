/** One process of the pool: runs the seeds that it is sent, one after another. */
import type { SeedReport, SeedRequest } from "./pool.ts";
import { type RunResult, runSeed } from "./simulation.ts";

process.on("message", (request: SeedRequest) => {
  void serve(request).then((report) => process.send?.(report));
});
process.on("disconnect", () => process.exit(0));

async function serve({ seed, keepLines, twice }: SeedRequest): Promise<SeedReport> {
  const began = performance.now();
  const result = await runSeed(seed, { keepLines });
  const again = twice ? await runSeed(seed, { keepLines }) : result;
  const { hash, events, simulatedMs, lines } = result;
  return {
    ...{ seed, hash, events, simulatedMs, lines },
    counts: Object.fromEntries(result.counts),
    tookMs: performance.now() - began,
    failure: again.hash === hash ? failureOf(result) : unequal(hash, again.hash),
  };
}

function failureOf({ failure }: RunResult): SeedReport["failure"] {
  if (failure === null) return null;
  const { kind, message, cause, stack } = failure;
  const detail = kind === "crash" ? String((cause as Error | undefined)?.stack ?? stack) : "";
  return { kind, message, detail };
}

function unequal(one: string, other: string): SeedReport["failure"] {
  const message = `I10: not the same twice: ${one}, then ${other}`;
  return { kind: "determinism", message, detail: "" };
}
