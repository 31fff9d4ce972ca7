/**
 * `make package`: dist/drover, one self-contained program, and a Debian package of it.
 * `--library`: only `@raft/node-raft`, as others install it.
 */
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { relative } from "node:path";
import { ROOT } from "./lib/files.ts";
import { buildDeb } from "./package/deb.ts";
import { packLibrary } from "./package/library.ts";
import { buildProgram } from "./package/program.ts";

if (process.argv.includes("--library")) show(packLibrary());
else {
  const program = await buildProgram();
  show(program.path);
  if (spawnSync("dpkg-deb", ["--version"]).status === 0) show(buildDeb(program));
  else console.log("no dpkg-deb on this machine: the Debian package is left out");
}

function show(file: string): void {
  console.log(`${relative(ROOT, file)}  ${(statSync(file).size / 2 ** 20).toFixed(1)} MB`);
}
