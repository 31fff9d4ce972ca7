/** A timeline of our own, with job files in HCL: as the player reads it. */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { encodeJobOutput, formatDiagnostics, parseJobFile } from "@drover/jobspec";
import { CLOSED_HOST } from "./closed-host.ts";
import { readScenario, type Scenario } from "./timeline-player.ts";

export const WRITTEN = join(import.meta.dirname, "../conformance/timelines");

/** Names of those that `wanted` accepts. */
export function writtenNames(wanted: (scenario: Scenario) => boolean): readonly string[] {
  return readdirSync(WRITTEN, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && wanted(readScenario(join(WRITTEN, entry.name))))
    .map(({ name }) => name);
}

/** Writes the scenario to `into`, under its own name, and returns its folder. */
export function withParsedJobs(written: string, into: string): string {
  const folder = join(into, basename(written));
  mkdirSync(folder);
  for (const file of readdirSync(written)) {
    const path = join(written, file);
    if (!file.endsWith(".hcl")) cpSync(path, join(folder, file));
    else writeFileSync(join(folder, file.replace(".nomad.hcl", ".json")), parsed(path));
  }
  return folder;
}

function parsed(path: string): string {
  const text = readFileSync(path, "utf8");
  const file = parseJobFile({ text, fileName: path, host: CLOSED_HOST });
  if (file.job === null) throw new Error(formatDiagnostics(file));
  return encodeJobOutput(file.job);
}
