/** Copies the sources beside links to their dependencies, edits the copy and loads it. */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { applyEdits } from "@raft/node-raft/sim";
import type { Mutant } from "./mutants.ts";
import type { runSeed } from "./simulation.ts";

const ROOT = join(import.meta.dirname, "../..");
const OURS = ["@drover", "@raft"];

export async function loadMutant(mutant: Mutant): Promise<typeof runSeed> {
  const dir = mkdtempSync(join(tmpdir(), `drover-mutant-${mutant.name}-`));
  try {
    copySources(dir);
    linkDependencies(dir);
    applyEdits(mutant, dir);
    const module: unknown = await import(pathToFileURL(join(dir, "test/sim/simulation.ts")).href);
    return (module as { runSeed: typeof runSeed }).runSeed;
  } finally {
    // Everything that the copy consists of is loaded by now.
    rmSync(dir, { recursive: true });
  }
}

function copySources(dir: string): void {
  const filter = (path: string) => !/\.test\.ts$|node_modules|\/testdata/.test(path);
  for (const name of readdirSync(join(ROOT, "packages"))) {
    if (name === "cli") continue;
    const from = join(ROOT, "packages", name);
    for (const part of ["src", "package.json"]) {
      cpSync(join(from, part), join(dir, "packages", name, part), { recursive: true, filter });
    }
  }
  cpSync(import.meta.dirname, join(dir, "test/sim"), { recursive: true, filter });
  writeFileSync(join(dir, "package.json"), '{ "type": "module" }');
}

/** Packages of ours are the copies; the others are where they were installed. */
function linkDependencies(dir: string): void {
  const installed = join(ROOT, "node_modules");
  mkdirSync(join(dir, "node_modules"));
  for (const name of readdirSync(installed)) {
    if (name.startsWith(".") || OURS.includes(name)) continue;
    symlinkSync(join(installed, name), join(dir, "node_modules", name));
  }
  for (const scope of OURS) {
    for (const name of readdirSync(join(installed, scope))) {
      const link = join(dir, "node_modules", scope, name);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(join(dir, "packages", name), link);
    }
  }
}
