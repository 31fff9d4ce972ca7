/**
 * node src/sim/soak-cli.ts --from N --seeds K [--workers W] [--record FILE] [--summary]
 *
 * Plays K seeds from N on, of every five hundred 400 in mode core, 40 in node, 20 in each of the
 * others, and writes down each block of twenty in FILE. Stopped (SIGINT, SIGTERM) and started again
 * it goes on where it was; with another range it adds to the same record, as long as the code is
 * that of the same commit. Says in the end what happened in all of the record, --summary: without
 * playing. Exits 1 when a seed of it failed.
 */
import { execFileSync, fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { reproduction } from "./simulation.ts";
import { type Block, type BlockRecord, blocksOf, SoakRecord, soakSummary } from "./soak.ts";

const WORKER = join(import.meta.dirname, "soak-worker.ts");
const SOURCES = join(import.meta.dirname, "..");
const SAY_EVERY_MS = 60_000;

const { values } = parseArgs({
  options: {
    from: { type: "string", default: "1" },
    seeds: { type: "string", default: "100000" },
    workers: { type: "string" },
    record: { type: "string", default: ".build/raft-soak.jsonl" },
    summary: { type: "boolean", default: false },
  },
});

const commit = commitOfSources();
const record = new SoakRecord(values.record, commit);
const blocks = record.missing(blocksOf(Number(values.from), Number(values.seeds)));
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

const startedAt = performance.now();
if (!values.summary) await playAll();
console.log(`commit ${commit}`);
console.log(soakSummary(record.records));
const failures = record.records.flatMap(({ mode, failures }) =>
  failures.map((failure) => ({ mode, ...failure })),
);
for (const { mode, seed, message } of failures) {
  console.log(`seed ${seed} (${mode}) FAILED: ${message}\nreproduce: ${reproduction(mode, seed)}`);
}
process.exitCode = failures.length === 0 ? 0 : 1;

async function playAll(): Promise<void> {
  const queue = [...blocks];
  const workers = Math.min(Number(values.workers ?? availableParallelism()), queue.length);
  const saying = setInterval(say, SAY_EVERY_MS);
  await Promise.all(Array.from({ length: workers }, () => workThrough(queue)));
  clearInterval(saying);
  say();
}

function workThrough(queue: Block[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = fork(WORKER, [commit], { execArgv: ["--max-semi-space-size=64"] });
    const next = (): void => {
      const block = stop.signal.aborted ? undefined : queue.shift();
      if (block === undefined) worker.disconnect();
      else worker.send(block);
    };
    worker.on("message", (played: BlockRecord) => {
      record.add(played);
      for (const { seed, message } of played.failures) {
        console.log(`seed ${seed} (${played.mode}) FAILED: ${message}`);
      }
      next();
    });
    worker.on("error", reject);
    worker.on("exit", (code) => {
      if (code === 0 || stop.signal.aborted) resolve();
      else reject(new Error(`a worker ended with ${code}`));
    });
    stop.signal.addEventListener("abort", () => worker.kill());
    next();
  });
}

function say(): void {
  const seeds = record.records.reduce((sum, block) => sum + block.seeds, 0);
  const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1);
  console.log(`${seeds} seeds in the record, ${minutes} minutes since the start`);
}

/** What was changed since then would be recorded under a name that is not its own. */
function commitOfSources(): string {
  const git = (...args: string[]): string =>
    execFileSync("git", args, { cwd: SOURCES, encoding: "utf8" }).trim();
  const changed = git("status", "--porcelain", "--", ".");
  return git("rev-parse", "--short", "HEAD") + (changed === "" ? "" : " with changes");
}
