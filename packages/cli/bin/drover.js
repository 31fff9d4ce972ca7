#!/usr/bin/env node
// Starts the program from source. It needs Node 24 for type stripping; where the machine's own Node
// is another one, the Node that npm installed beside us takes over.
import { spawnSync } from "node:child_process";
import module from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const self = fileURLToPath(import.meta.url);
const root = join(dirname(self), "..", "..", "..");
const NODE_WANTED = 24;

function ownNode() {
  const require = module.createRequire(import.meta.url);
  const arch = process.arch === "arm64" ? "arm64" : "x64";
  try {
    return require.resolve(`node-linux-${arch}/bin/node`);
  } catch (error) {
    if (error.code === "MODULE_NOT_FOUND") return null;
    throw error;
  }
}

/** Stripping types anew at each start takes longer than most commands do. */
async function runHere() {
  if (process.env.NODE_COMPILE_CACHE === undefined) {
    module.enableCompileCache(join(root, ".build", "compile-cache"));
  }
  await import("../src/main.ts");
}

function runWith(node) {
  const args = [node, self, ...process.argv.slice(2)];
  if (typeof process.execve === "function") process.execve(node, args, process.env);
  const run = spawnSync(node, args.slice(1), { stdio: "inherit" });
  if (run.signal) process.kill(process.pid, run.signal);
  process.exit(run.status ?? 1);
}

if (Number(process.versions.node.split(".")[0]) >= NODE_WANTED) await runHere();
else {
  const node = ownNode();
  if (node !== null) runWith(node);
  console.error(
    `drover needs Node ${NODE_WANTED}, this is ${process.version}: run "npm install" in the project first`,
  );
  process.exit(1);
}
