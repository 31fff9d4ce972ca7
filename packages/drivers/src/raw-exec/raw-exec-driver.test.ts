import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { startRequest, testDriver } from "../compliance.ts";
import { readState } from "./executor-files.ts";
import { isAlive, processStart, sessionMembers } from "./process-table.ts";
import { RawExecDriver } from "./raw-exec-driver.ts";

const shell = (script: string) => ({ command: "/bin/sh", args: ["-c", script] });

testDriver({
  name: "raw_exec",
  create: (stateDir) => new RawExecDriver({ stateDir }),
  configs: {
    runs: { command: "sleep", args: ["3600"] },
    exits: ({ code, afterMs }) => shell(`sleep ${afterMs / 1000}; exit ${code}`),
    ignoresStop: shell("trap '' TERM INT; while :; do sleep 1; done"),
    prints: (stdout, stderr) => shell(`echo '${stdout}'; echo '${stderr}' >&2`),
    counts: ({ count, everyMs }) =>
      shell(
        `i=0; while [ $i -lt ${count} ]; do i=$((i+1)); echo $i; sleep ${everyMs / 1000}; done`,
      ),
    broken: { command: "/no/such/program" },
  },
  exec: { command: ["/bin/sh", "-c", "cat; exit 4"], exitCode: 4 },
  remembers: true,
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

interface Stage {
  readonly root: string;
  readonly driver: RawExecDriver;
}

async function onStage(body: (stage: Stage) => Promise<void>): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "drover-raw-"));
  const driver = new RawExecDriver({ stateDir: join(root, "state") });
  try {
    await body({ root, driver });
  } finally {
    await driver.destroy(identity);
    await driver.close();
    await rm(root, { recursive: true, force: true });
  }
}

function start(stage: Stage, config: ReturnType<typeof shell>) {
  const request = startRequest(stage.root, identity, config);
  return stage.driver.start({ ...request, taskDir: stage.root }, () => undefined);
}

test("a process that only has the number of an ended task is not taken for it", async () => {
  await onStage(async (stage) => {
    const handle = await start(stage, shell("exec sleep 3600"));
    const state = handle.driverState as { task: { pid: number; start: string } };
    const reused = { pid: process.pid, start: state.task.start };
    assert.equal(isAlive(reused), false);
    const forged = { ...handle, driverState: { ...state, task: reused } };
    assert.equal(await stage.driver.recover(forged), null);
    await stage.driver.signal(forged, "SIGKILL");
    assert.notEqual(processStart(process.pid), "", "we are still here");
  });
});

test("what a task leaves in its session is killed when the task ends", async () => {
  await onStage(async (stage) => {
    const handle = await start(stage, shell("sleep 3600 & sleep 3600 & exit 0"));
    const { task } = handle.driverState as { task: { pid: number } };
    await stage.driver.wait(handle, AbortSignal.timeout(10_000));
    const deadline = performance.now() + 5_000;
    while (sessionMembers(task.pid).length > 0) {
      assert.ok(performance.now() < deadline, "the children are still there");
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
});

test("a task whose executor was killed is reported as ended for an unknown reason", async () => {
  await onStage(async (stage) => {
    const handle = await start(stage, shell("exec sleep 3600"));
    const { directory, task } = handle.driverState as {
      directory: string;
      task: { pid: number; start: string };
    };
    const executor = readState(directory)?.executor;
    assert.ok(executor !== undefined);
    process.kill(executor.pid, "SIGKILL");
    process.kill(task.pid, "SIGKILL");
    const exit = await stage.driver.wait(handle, AbortSignal.timeout(10_000));
    assert.match(exit.error, /exit code unknown/);
  });
});

test("the executor takes no notice of the agent's signals", async () => {
  await onStage(async (stage) => {
    const handle = await start(stage, shell("read -r _; exit 5"));
    const { directory } = handle.driverState as { directory: string };
    const executor = readState(directory)?.executor;
    assert.ok(executor !== undefined);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.kill(executor.pid, signal);
    // Standard input is /dev/null, so that the read ends at once and the code tells that it ran on.
    const exit = await stage.driver.wait(handle, AbortSignal.timeout(10_000));
    assert.equal(exit.exitCode, 5);
  });
});

test("a signal's death is 128 and the signal's number", async () => {
  await onStage(async (stage) => {
    const handle = await start(stage, shell("kill -USR1 $$; sleep 3600"));
    const exit = await stage.driver.wait(handle, AbortSignal.timeout(10_000));
    assert.equal(exit.signal, 10);
    assert.equal(exit.exitCode, 138);
  });
});

test("a missing command and an unknown user are told by name", async () => {
  await onStage(async (stage) => {
    await assert.rejects(
      start(stage, { command: "", args: [] }),
      /missing required field: command/,
    );
    const request = startRequest(stage.root, identity, shell("exit 0"));
    const withUser = { ...request, task: { ...request.task, user: "nobody-of-this-name" } };
    await assert.rejects(
      stage.driver.start(withUser, () => undefined),
      /unknown user "nobody-of-this-name"/,
    );
  });
});
