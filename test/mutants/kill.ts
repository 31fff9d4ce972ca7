/** Plants a mutant in a process of its own and lets its killer look. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Edit, Killer, Mutant } from "./mutant.ts";

const ROOT = join(import.meta.dirname, "../..");
const PLANT = join(import.meta.dirname, "plant.ts");
const RUN_SEEDS = join(import.meta.dirname, "run-seeds.ts");
/** A mutant may well make something go on for ever. */
const TIMEOUT_MS = 300_000;

export interface Found {
  /** 0 = by a test. */
  readonly seed: number;
  readonly by: string;
}

/** What the killer has found, or null. */
export async function kill(
  { edits }: Pick<Mutant, "edits">,
  killer: Killer,
): Promise<Found | null> {
  if (killer.by === "test") {
    const { output } = await runTests(killer.file, [killer.name], edits);
    return lineOf(output, "not ok", killer.name) ? { seed: 0, by: killer.name } : null;
  }
  const { output } = await run([RUN_SEEDS, String(killer.seeds)], edits);
  return JSON.parse(output.trim().split("\n").at(-1) ?? "") as Found | null;
}

/** The named tests of one file, without any mutant: those that do not pass, or are not there. */
export async function failing(file: string, names: readonly string[]): Promise<readonly string[]> {
  const { output } = await runTests(file, names, []);
  return names.filter((name) => !lineOf(output, "ok", name));
}

function runTests(file: string, names: readonly string[], edits: readonly Edit[]): Promise<Run> {
  const patterns = names.map((name) => `--test-name-pattern=^${escaped(name)}$`);
  return run(["--test-reporter=tap", ...patterns, file], edits);
}

function escaped(name: string): string {
  return name.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

/** A line of TAP; it escapes what means something there. */
function lineOf(output: string, status: "ok" | "not ok", name: string): boolean {
  const told = name.replace(/[\\#]/g, "\\$&");
  return output.split("\n").some((line) => {
    const text = line.trim();
    return text.startsWith(`${status} `) && text.replace(/^(not )?ok \d+ - /, "") === told;
  });
}

interface Run {
  readonly output: string;
}

function run(args: readonly string[], edits: readonly Edit[]): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [`--import=${PLANT}`, ...args], {
      cwd: ROOT,
      env: { ...process.env, DROVER_MUTANT: JSON.stringify(edits), NODE_TEST_CONTEXT: undefined },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: TIMEOUT_MS,
      killSignal: "SIGKILL",
    });
    let output = "";
    let errors = "";
    child.stdout.on("data", (data) => (output += data));
    child.stderr.on("data", (data) => (errors += data));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (output.trim() !== "") resolve({ output });
      else reject(new Error(`the killer said nothing (${code ?? signal}): ${errors}`));
    });
  });
}
