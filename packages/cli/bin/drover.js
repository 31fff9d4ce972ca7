#!/usr/bin/env node
// Starts the program from source. It needs Node 24 for type stripping; where the machine's own Node
// is another one, the Node that npm installed beside us takes over.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const main = join(dirname(fileURLToPath(import.meta.url)), "..", "src", "main.ts");

function ownNode() {
  const require = createRequire(import.meta.url);
  const arch = process.arch === "arm64" ? "arm64" : "x64";
  try {
    return require.resolve(`node-linux-${arch}/bin/node`);
  } catch (error) {
    if (error.code === "MODULE_NOT_FOUND") return null;
    throw error;
  }
}

if (Number(process.versions.node.split(".")[0]) >= 24) {
  await import(main);
} else {
  const node = ownNode();
  if (node === null) {
    console.error(
      `drover needs Node 24, this is ${process.version}: run "npm install" in the project first`,
    );
    process.exit(1);
  }
  const { execve } = process;
  const args = [node, main, ...process.argv.slice(2)];
  if (typeof execve === "function") execve(node, args, process.env);
  const run = spawnSync(node, args.slice(1), { stdio: "inherit" });
  if (run.signal) process.kill(process.pid, run.signal);
  process.exit(run.status ?? 1);
}
