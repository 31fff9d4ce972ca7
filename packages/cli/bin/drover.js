#!/usr/bin/env node
// Starts the program from source. It needs Node 24 for type stripping; where the machine's own Node
// is another one, the Node that npm installed beside us takes over.
import { spawn } from "node:child_process";
import { once } from "node:events";
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

async function runWith(node) {
  const args = [node, self, ...process.argv.slice(2)];
  if (typeof process.execve === "function") process.execve(node, args, process.env);
  const child = spawn(node, args.slice(1), { stdio: "inherit" });
  // A terminal interrupts both processes itself; whoever else sends a signal knows this one only.
  const isTerminal = process.stdin.isTTY === true;
  for (const signal of ["SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP"]) {
    const fromTerminal = signal === "SIGINT" || signal === "SIGQUIT";
    process.on(signal, () => {
      if (!(isTerminal && fromTerminal)) child.kill(signal);
    });
  }
  const [status, signal] = await once(child, "exit");
  if (signal) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  }
  process.exit(status ?? 1);
}

if (Number(process.versions.node.split(".")[0]) >= NODE_WANTED) await runHere();
else {
  const node = ownNode();
  if (node !== null) await runWith(node);
  console.error(
    `drover needs Node ${NODE_WANTED}, this is ${process.version}: run "npm install" in the project first`,
  );
  process.exit(1);
}
