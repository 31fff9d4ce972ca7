/** `make demo-embedded` as a user sees it, on programs of this machine: its outcomes, and that it tidies up. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

const DEMO = join(import.meta.dirname, "../../scripts/demo.ts");
const LONGEST_MS = 180_000;

const STALE_PLAN =
  /Enforcing job modify index (\d+): job exists with conflicting job modify index: (\d+)/;

test("the demo rolls a good version out, takes a bad one back, and leaves nothing", {
  timeout: LONGEST_MS,
}, () => {
  const folder = mkdtempSync(join(tmpdir(), "drover-demo-test-"));
  try {
    const run = spawnSync(process.execPath, [DEMO, "--embedded"], {
      encoding: "utf8",
      env: { ...process.env, TMPDIR: folder },
      timeout: LONGEST_MS,
    });
    const said = `${run.stdout}${run.stderr}`;
    assert.equal(run.status, 0, said);
    for (const expected of [
      /the demo runs programs of this machine/,
      /\+\/- Task: "server" \(forces create\/destroy update\)/,
      /\+\/- args\[1\]: +"0\.1" => "0\.2"$/m,
      /\(2 create\/destroy update, 4 ignore\)/,
      STALE_PLAN,
      /^Fewest that served at any time: [4-6] of 6$/m,
      /^[0-9a-f]{8} +geo-api-server +3 +successful +Deployment completed successfully$/m,
      /2 +failed +Failed due to unhealthy allocations - rolling back to job version 1$/m,
    ]) {
      assert.match(said, expected);
    }
    const [, planned = "", current = ""] = STALE_PLAN.exec(said) ?? [];
    assert.ok(Number(planned) < Number(current), `planned at ${planned}, now at ${current}`);
    assert.deepEqual(readdirSync(folder), []);
    assert.deepEqual(processesNaming(folder), []);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Agents and executors name their data directory, tasks have it in their environment. */
function processesNaming(folder: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => ["cmdline", "environ"].some((file) => textOf(pid, file).includes(folder)));
}

function textOf(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch (error) {
    // It ended, or is none of ours.
    if (["ENOENT", "ESRCH", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) {
      return "";
    }
    throw error;
  }
}
