import assert from "node:assert/strict";
import test from "node:test";
import { taskKey } from "./task-key.ts";

const base = { clusterId: "0123456789ab", allocId: "aaaa-bbbb", taskName: "web" };

test("a task's name says cluster, allocation and task", () => {
  assert.equal(taskKey(base), "drover-01234567-aaaa-bbbb-web");
});

test("names that would be cleaned or cut to the same text stay different", () => {
  const names = ["a/b", "a b", "a_b", "x".repeat(41), "x".repeat(42), "x".repeat(40)];
  const keys = new Set(names.map((taskName) => taskKey({ ...base, taskName })));
  assert.equal(keys.size, names.length);
  for (const key of keys) assert.match(key, /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/);
});
