/** How an agent begins and ends: nothing is lost when it stops, and it never lingers half alive. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { TestCluster } from "../support/cluster.ts";

const MAIN = new URL("../../packages/cli/src/main.ts", import.meta.url).pathname;

test("a leader that is stopped hands over without one failed write", async (t) => {
  const cluster = await TestCluster.start({ agents: 3 });
  t.after(() => cluster.stop());
  const leader = await cluster.leader();
  const asked = cluster.agents.find((agent) => agent !== leader);
  assert.ok(asked);
  const failures: string[] = [];
  let written = 0;
  let stopped = false;
  const writing = (async () => {
    for (let after = 0; after < 20; written++) {
      if (stopped) after += 1;
      const body = JSON.stringify({ SchedulerAlgorithm: written % 2 === 0 ? "spread" : "binpack" });
      const url = `http://${asked.host}:4646/v1/operator/scheduler/configuration`;
      const response = await fetch(url, { method: "PUT", body });
      if (!response.ok) failures.push(`${response.status} ${await response.text()}`);
    }
  })();
  const process = leader.process;
  await cluster.terminate(leader);
  stopped = true;
  await writing;
  assert.equal(process?.exitCode, 0);
  assert.deepEqual(failures, []);
  assert.ok(written > 20);
});

test("an agent that cannot start ends, with the reason and status 1", async (t) => {
  const taken = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => taken.once("listening", resolve));
  const address = taken.address();
  assert.ok(address !== null && typeof address === "object");
  const dir = mkdtempSync(join(tmpdir(), "drover-test-"));
  t.after(() => {
    taken.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const file = join(dir, "agent.hcl");
  writeFileSync(
    file,
    `data_dir = "${dir}/data"
bind_addr = "127.0.0.1"
ports {
  http = ${address.port}
  rpc  = 0
}
server { bootstrap_expect = 1 }
`,
  );
  const child = spawn(process.execPath, [MAIN, "agent", "-config", file]);
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data: Buffer) => {
      text += data.toString();
    });
  }
  const late = setTimeout(() => child.kill("SIGKILL"), 15_000);
  const status = await new Promise((resolve) => child.once("close", resolve));
  clearTimeout(late);
  assert.equal(status, 1, text);
  assert.match(text, new RegExp(`cannot listen on 127\\.0\\.0\\.1:${address.port}`));
});

/** Starts an agent for trying out, and ends it as soon as it has started; answers what it said. */
async function sayings(...flags: readonly string[]): Promise<string> {
  const free = ["-http-port", "0", "-rpc-port", "0"];
  const child = spawn(process.execPath, [MAIN, "agent", "-dev", ...free, ...flags]);
  let text = "";
  const late = setTimeout(() => child.kill("SIGKILL"), 15_000);
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data: Buffer) => {
      const isNews = !text.includes("agent started");
      text += data.toString();
      // Only once: a second signal is for those who will not wait.
      if (isNews && text.includes("agent started")) child.kill("SIGTERM");
    });
  }
  const status = await new Promise((resolve) => child.once("close", resolve));
  clearTimeout(late);
  assert.equal(status, 0, `it stops in order, however early it is told to:\n${text}`);
  return text;
}

test("an agent listens on loopback unless told otherwise, and then it warns", async () => {
  const alone = await sayings();
  assert.match(alone, /agent started: http=127\.0\.0\.1:\d+ rpc=127\.0\.0\.1:\d+/);
  assert.doesNotMatch(alone, /without authentication/);
  const open = await sayings("-bind", "0.0.0.0");
  assert.match(open, /\[WARN\] +listening on 0\.0\.0\.0 without authentication/);
});
