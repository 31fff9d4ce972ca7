/** `make check`: everything that reads the code and changes nothing. All of it runs, then it fails. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "./lib/files.ts";

const bin = (name: string) => join(ROOT, "node_modules", ".bin", name);

const steps: readonly { readonly name: string; readonly command: readonly string[] }[] = [
  { name: "types", command: [bin("tsc"), "-b"] },
  { name: "lint", command: [bin("biome"), "check", "--error-on-warnings"] },
  { name: "layers", command: [process.execPath, "scripts/check-layers.ts"] },
  { name: "purity", command: [process.execPath, "scripts/check-purity.ts"] },
  { name: "tidy", command: [process.execPath, "scripts/tidy.ts"] },
  { name: "unused", command: [bin("knip"), "--no-progress", "--no-config-hints"] },
  { name: "specs", command: [process.execPath, "scripts/check-specs.ts"] },
  { name: "docs", command: [process.execPath, "scripts/check-docs.ts"] },
];

const failed: string[] = [];
for (const { name, command } of steps) {
  const [program = "", ...args] = command;
  const run = spawnSync(program, args, { cwd: ROOT, encoding: "utf8", maxBuffer: 64 << 20 });
  if (run.status === 0) continue;
  failed.push(name);
  process.stdout.write(`--- ${name}\n${run.stdout}${run.stderr}`);
}
console.log(failed.length === 0 ? "check: ok" : `check: ${failed.join(", ")} failed`);
process.exit(failed.length === 0 ? 0 : 1);
