/**
 * `@raft/node-raft` as somebody else has it: installed below `node_modules`, in a folder that knows
 * nothing of this workspace. The README's example runs there and ends by itself, and a strict type
 * check that looks into declarations, too, finds nothing.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test from "node:test";
import { ROOT } from "../../scripts/lib/files.ts";
import { buildLibrary } from "../../scripts/package/library.ts";

const EXAMPLE = join(ROOT, "packages", "node-raft", "examples", "three-members.ts");

const STRICT = {
  compilerOptions: {
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    target: "ES2023",
    module: "NodeNext",
    types: ["node"],
    skipLibCheck: false,
    noEmit: true,
  },
};

test("the installed library runs the README's example, and its types are good", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "raft-library-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const modules = join(folder, "node_modules");
  buildLibrary(join(modules, "@raft", "node-raft"));
  // Where the registry's packages would be.
  for (const name of ["ws", "msgpackr", "@types/node", "@types/ws", "undici-types"]) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(ROOT, "node_modules", name), join(modules, name));
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(STRICT));
  copyFileSync(EXAMPLE, join(folder, "three-members.ts"));
  const printed = execFileSync(process.execPath, ["three-members.ts", "data"], {
    cwd: folder,
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.equal(printed, "1 [ 'hello' ]\n".repeat(3));
  execFileSync(join(ROOT, "node_modules", ".bin", "tsc"), ["-p", folder], { stdio: "inherit" });
});
