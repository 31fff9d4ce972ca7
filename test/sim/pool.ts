/** Many seeds, spread over worker processes: each process runs one after another. */
import { type ChildProcess, fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import type { RunResult } from "./simulation.ts";

const WORKER = fileURLToPath(new URL("./seed-worker.ts", import.meta.url));
/** A worker is replaced after so many, so that what it keeps does not add up. */
const SEEDS_PER_WORKER = 250;
/** Real time; one seed takes about a second, and much longer on a machine that is busy. */
const SEED_LIMIT_MS = 900_000;

export interface SeedRequest {
  readonly seed: number;
  readonly keepLines: boolean;
  /** Run it again: the traces must be equal. */
  readonly twice: boolean;
}

/** A `RunResult` that has crossed from one process to another. */
export interface SeedReport
  extends Pick<RunResult, "seed" | "hash" | "events" | "simulatedMs" | "lines"> {
  readonly counts: Readonly<Record<string, number>>;
  readonly tookMs: number;
  readonly failure: {
    readonly kind: string;
    readonly message: string;
    readonly detail: string;
  } | null;
}

export interface PoolOptions {
  readonly first: number;
  readonly count: number;
  /** From one seed to the next. */
  readonly step?: number;
  /** Processes; by default as many as can run at once. */
  readonly jobs?: number;
  readonly keepLines?: boolean;
  readonly twice?: (seed: number) => boolean;
  /** When it is, seeds that were not begun are left out. */
  readonly signal?: AbortSignal;
}

/** Calls `onReport` for each seed, in the order in which they end. */
export async function runSeeds(
  options: PoolOptions,
  onReport: (report: SeedReport) => void,
): Promise<void> {
  const { first, count, step = 1, keepLines = false, twice = () => false } = options;
  let taken = 0;
  const take = (): SeedRequest | null => {
    if (taken >= count || options.signal?.aborted === true) return null;
    const seed = first + taken * step;
    taken += 1;
    return { seed, keepLines, twice: twice(seed) };
  };
  const jobs = Math.min(options.jobs ?? availableParallelism(), count);
  await Promise.all(Array.from({ length: jobs }, () => workThrough(take, onReport)));
}

async function workThrough(
  take: () => SeedRequest | null,
  onReport: (report: SeedReport) => void,
): Promise<void> {
  let worker: ChildProcess | null = null;
  let done = 0;
  for (let request = take(); request !== null; request = take()) {
    worker ??= fork(WORKER, [], { execArgv: ["--max-semi-space-size=64"] });
    const report = await runIn(worker, request);
    done += 1;
    if (report.failure?.kind === "worker" || done % SEEDS_PER_WORKER === 0) {
      await end(worker);
      worker = null;
    }
    onReport(report);
  }
  if (worker !== null) await end(worker);
}

function runIn(worker: ChildProcess, request: SeedRequest): Promise<SeedReport> {
  return new Promise((resolve) => {
    const lost = (message: string): void => {
      const failure = { kind: "worker", message, detail: "" };
      const rest = { hash: "", events: 0, simulatedMs: 0, lines: [], counts: {}, tookMs: 0 };
      settle({ seed: request.seed, ...rest, failure });
    };
    const onExit = (code: number | null): void => lost(`its process ended with ${code}`);
    const timer = setTimeout(() => {
      worker.kill("SIGKILL");
      lost(`no end within ${SEED_LIMIT_MS} ms`);
    }, SEED_LIMIT_MS);
    const settle = (report: SeedReport): void => {
      clearTimeout(timer);
      worker.off("message", settle);
      worker.off("exit", onExit);
      resolve(report);
    };
    worker.on("message", settle);
    worker.on("exit", onExit);
    worker.send(request);
  });
}

/** By itself, so that it writes down its coverage when it was asked to. */
function end(worker: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (worker.exitCode !== null || worker.signalCode !== null) {
      resolve();
      return;
    }
    worker.once("exit", () => resolve());
    worker.disconnect();
  });
}

/** Faults that were injected; messages lost and doubled come on top. */
export function faultsOf(counts: Readonly<Record<string, number>>): number {
  const kinds = Object.entries(counts).filter(([kind]) => /^fault [a-zA-Z]+$/.test(kind));
  const own = kinds.filter(([kind]) => !/duplicate|straggler/.test(kind));
  return own.reduce((sum, [, count]) => sum + count, 0);
}
