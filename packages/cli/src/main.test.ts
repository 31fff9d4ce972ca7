/** The program as its users start it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import test from "node:test";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../bin/drover", import.meta.url));

test("a reader that has seen enough ends a command without a word", async () => {
  const child = spawn(PROGRAM, ["-help"], { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.destroy();
  const [stderr, [exit]] = await Promise.all([text(child.stderr), once(child, "exit")]);
  assert.deepEqual({ stderr, exit }, { stderr: "", exit: 141 });
});
