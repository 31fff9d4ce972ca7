import assert from "node:assert/strict";
import test from "node:test";
import { startRequest, testDriver } from "../compliance.ts";
import { TaskStartError } from "../task-driver.ts";
import { MockDriver } from "./mock-driver.ts";

testDriver({
  name: "mock_driver",
  create: () => new MockDriver(),
  configs: {
    runs: { run_for: "1h" },
    exits: ({ code, afterMs }) => ({ run_for: `${afterMs}ms`, exit_code: code }),
    ignoresStop: { run_for: "1h", kill_after: "1h" },
    prints: (stdout, stderr) => ({ stdout_string: stdout, stderr_string: stderr }),
    counts: null,
    broken: { start_error: "no" },
  },
  exec: null,
  remembers: false,
});

const identity = {
  clusterId: "c",
  nodeId: "n",
  allocId: "a",
  taskName: "web",
  namespace: "default",
  jobId: "j",
  groupName: "g",
};
const request = (config: Record<string, string | boolean>) => {
  const base = startRequest("/nowhere", identity, config);
  return { ...base, task: { ...base.task, logConfig: { ...base.task.logConfig, disabled: true } } };
};

test("a start error is retryable only when the configuration says so", async () => {
  const driver = new MockDriver();
  for (const recoverable of [true, false]) {
    const config = { start_error: "broken", start_error_recoverable: recoverable };
    await assert.rejects(
      driver.start(request(config), () => undefined),
      (error) => {
        assert.ok(error instanceof TaskStartError);
        assert.equal(error.retryable, recoverable);
        assert.equal(error.message, "broken");
        return true;
      },
    );
  }
  await driver.close();
});

test("an exit message and signal are reported as configured", async () => {
  const driver = new MockDriver();
  const config = { run_for: "0s", exit_code: "9", exit_signal: "4", exit_err_msg: "boom" };
  const handle = await driver.start(request(config), () => undefined);
  const exit = await driver.wait(handle, AbortSignal.timeout(1000));
  assert.equal(exit.exitCode, 9);
  assert.equal(exit.signal, 4);
  assert.equal(exit.message, "boom");
  await driver.close();
});

test("a task whose time has passed while no agent ran has ended at the planned moment", async () => {
  const before = new MockDriver();
  const handle = await before.start(request({ run_for: "1h", exit_code: "6" }), () => undefined);
  await before.close();
  const old = { ...handle, startedAt: handle.startedAt - 2 * 3_600_000 };
  const after = new MockDriver();
  await after.recover(old);
  const exit = await after.wait(old, AbortSignal.timeout(1000));
  assert.equal(exit.exitCode, 6);
  assert.equal(exit.finishedAt, old.startedAt + 3_600_000);
  await after.close();
});

test("a signal fails with the configured text", async () => {
  const driver = new MockDriver();
  const config = { run_for: "1h", signal_error: "no signals" };
  const handle = await driver.start(request(config), () => undefined);
  await assert.rejects(driver.signal(handle, "SIGHUP"), /no signals/);
  await driver.destroy(identity);
  await driver.close();
});
