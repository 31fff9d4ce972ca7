/** The program that the README shows is one that runs. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { promisify } from "node:util";

const PACKAGE = join(import.meta.dirname, "../..");
const EXAMPLE = join(PACKAGE, "examples/three-members.ts");

test("the README shows the example as it is, in about forty lines", () => {
  const program = readFileSync(EXAMPLE, "utf8");
  const readme = readFileSync(join(PACKAGE, "README.md"), "utf8");
  assert.ok(readme.includes(`\`\`\`ts\n${program}\`\`\`\n`));
  assert.ok(program.trimEnd().split("\n").length <= 42);
});

test("the example forms a cluster, writes, reads on each member and ends", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "raft-example-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const options = { timeout: 60_000 };
  const run = await promisify(execFile)(process.execPath, [EXAMPLE, folder], options);
  assert.equal(run.stderr, "");
  assert.equal(run.stdout, "1 [ 'hello' ]\n".repeat(3));
  assert.deepEqual(readdirSync(folder).sort(), ["a", "b", "c"]);
});
