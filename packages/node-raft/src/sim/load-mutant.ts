/** Copies the sources beside a link to their dependencies, edits the copy and loads it. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { CoreOptions } from "../core/options.ts";
import type { RaftCore } from "../core/raft.ts";
import type { Mutant } from "./mutants.ts";

export interface LoadedMutant {
  readonly newCore: (options: CoreOptions) => RaftCore;
}

export async function loadMutant(mutant: Mutant): Promise<LoadedMutant> {
  const dir = mkdtempSync(join(tmpdir(), `node-raft-mutant-${mutant.name}-`));
  try {
    const sources = join(import.meta.dirname, "../core");
    cpSync(sources, join(dir, "core"), {
      recursive: true,
      filter: (path) => !path.endsWith(".test.ts"),
    });
    for (const edit of mutant.edits) applyEdit(mutant.name, dir, edit);
    const url = pathToFileURL(join(dir, "core/raft.ts")).href;
    const module = (await import(url)) as { RaftCore: typeof RaftCore };
    return { newCore: (options) => new module.RaftCore(options) };
  } finally {
    // Everything the copy consists of is loaded by now.
    rmSync(dir, { recursive: true });
  }
}

function applyEdit(name: string, dir: string, edit: Mutant["edits"][number]): void {
  const path = join(dir, edit.file);
  const text = readFileSync(path, "utf8");
  const count = text.split(edit.find).length - 1;
  if (count !== 1) throw new Error(`mutant ${name}: ${edit.file} holds its text ${count} times`);
  writeFileSync(
    path,
    text.replace(edit.find, () => edit.replace),
  );
}
