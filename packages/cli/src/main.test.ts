/** The program as its users start it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { RecordedAgent } from "./testing/recorded-agent.ts";

const PROGRAM = fileURLToPath(new URL("../bin/drover", import.meta.url));

test("a reader that has seen enough ends a command without a word", async () => {
  const child = spawn(PROGRAM, ["-help"], { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.destroy();
  const [stderr, [exit]] = await Promise.all([text(child.stderr), once(child, "exit")]);
  assert.deepEqual({ stderr, exit }, { stderr: "", exit: 141 });
});

test("an answer is taken when its line ends, not when the input does", async (t) => {
  const agent = await RecordedAgent.start();
  t.after(() => agent.stop());
  const job = { ID: "web", Namespace: "default" };
  const read = (path: string, query: string, body: unknown) => ({
    ...{ method: "GET", path, query, t_ms: 0, status: 200, response_body: body },
    response_headers: { "Content-Type": "application/json", "X-Nomad-Index": "9" },
  });
  agent.play([
    read("/v1/jobs", "per_page=20&prefix=we", [job]),
    read("/v1/job/web", "namespace=default", job),
  ]);
  const child = spawn(PROGRAM, ["job", "stop", "we"], {
    stdio: "pipe",
    env: { ...process.env, NOMAD_ADDR: agent.address },
    timeout: 20_000,
  });
  child.stdin.write("n\n");
  const [stdout, stderr, [exit]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit"),
  ]);
  child.stdin.end();
  const asked = 'Are you sure you want to stop job "web"? [y/N] Cancelling job stop\n';
  assert.deepEqual({ stdout, stderr, exit }, { stdout: asked, stderr: "", exit: 0 });
});
