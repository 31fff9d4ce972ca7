import assert from "node:assert/strict";
import test from "node:test";
import { runSteps } from "./stop-agent.ts";

test("a step that fails or hangs does not keep the next from running", async () => {
  const done: string[] = [];
  const lines: unknown[] = [];
  const steps = [
    { name: "one", boundMs: 1_000, run: () => done.push("one") },
    { name: "two", boundMs: 1_000, run: () => Promise.reject(new Error("no")) },
    { name: "three", boundMs: 10, run: () => new Promise(() => undefined) },
    {
      name: "four",
      boundMs: 1_000,
      run: () => {
        throw new Error("at once");
      },
    },
    { name: "five", boundMs: 1_000, run: async () => done.push("five") },
  ];
  await runSteps(steps, (_level, _message, fields) => lines.push(fields));
  assert.deepEqual(done, ["one", "five"]);
  assert.deepEqual(lines, [
    { part: "two", reason: "no" },
    { part: "three", reason: "not done in 10 ms" },
    { part: "four", reason: "at once" },
  ]);
});
