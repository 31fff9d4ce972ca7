/** `make fix`: the only command that edits sources by itself. */
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, readSource } from "./lib/files.ts";
import { packageGraph } from "./lib/graph.ts";

const biome = join(ROOT, "node_modules", ".bin", "biome");
spawnSync(biome, ["check", "--write"], { cwd: ROOT, stdio: "inherit" });

const architecture = "docs/architecture.md";
if (existsSync(join(ROOT, architecture))) {
  const text = readSource(architecture);
  const drawn = text.replace(/```mermaid\ngraph TD[\s\S]*?```/, () => packageGraph());
  if (drawn !== text) writeFileSync(join(ROOT, architecture), drawn);
}
