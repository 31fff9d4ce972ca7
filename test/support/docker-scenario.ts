/**
 * A recorded timeline as it is with real containers: the same steps and expectation, with each mock
 * task in its place a container that does the same.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

const SECOND = 1_000_000_000;
/** Containers take longer to start than mock tasks; no deadline is the subject of a scenario. */
const HEALTHY_DEADLINE = 20 * SECOND;
const PROGRESS_DEADLINE = 60 * SECOND;

interface JobDoc {
  readonly TaskGroups: readonly {
    readonly Update?: Record<string, unknown>;
    readonly Tasks: readonly TaskDoc[];
  }[];
}

interface TaskDoc {
  Driver: string;
  Config: Record<string, unknown>;
  Resources?: Record<string, unknown>;
}

/** Writes the scenario to `into`, under its own name, and returns its folder. */
export function withContainers(recorded: string, into: string): string {
  const folder = join(into, basename(recorded));
  mkdirSync(folder);
  for (const file of ["scenario.json", "expect.json"]) {
    cpSync(join(recorded, file), join(folder, file));
  }
  for (const file of readdirSync(recorded).filter((name) => /^v\d+\.json$/.test(name))) {
    const doc = JSON.parse(readFileSync(join(recorded, file), "utf8")) as { Job: JobDoc };
    for (const group of doc.Job.TaskGroups) {
      if (group.Update) stretch(group.Update);
      group.Tasks.forEach(containerize);
    }
    writeFileSync(join(folder, file), JSON.stringify(doc));
  }
  return folder;
}

function stretch(update: Record<string, unknown>): void {
  if (update.HealthyDeadline !== undefined) update.HealthyDeadline = HEALTHY_DEADLINE;
  if (update.ProgressDeadline) update.ProgressDeadline = PROGRESS_DEADLINE;
}

function containerize(task: TaskDoc): void {
  task.Config = { ...containerOf(task.Config), network_mode: "none" };
  task.Driver = "docker";
  task.Resources = { ...task.Resources, MemoryMB: 32 };
}

function containerOf(mock: Record<string, unknown>): Record<string, unknown> {
  const { exit_code: code = 0, run_for: runFor, start_error: startError } = mock;
  if (startError !== undefined) return { image: "geo-api-server:0.33" };
  if (runFor === "30m") return { image: "geo-api-server:0.1" };
  const script = `sleep ${secondsOf(String(runFor))}; exit ${code}`;
  return { image: "busybox:local", command: "/bin/sh", args: ["-c", script] };
}

function secondsOf(text: string): number {
  const match = /^(\d+)(ms|s)$/.exec(text);
  if (!match) throw new Error(`no container runs for "${text}"`);
  return Number(match[1]) / (match[2] === "ms" ? 1_000 : 1);
}
