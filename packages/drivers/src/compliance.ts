/**
 * What every driver must do, as tests. A driver's own test file calls `testDriver` with what it
 * takes to make that driver run, end and refuse; rules of one driver only are tested beside it.
 */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import type { Json, Task } from "@drover/model";
import { logFileIndexes } from "./log/log-rotator.ts";
import {
  type DriverEventSink,
  type TaskDriver,
  type TaskExit,
  type TaskHandle,
  TaskStartError,
  type TaskStartRequest,
} from "./task-driver.ts";

type Config = Readonly<Record<string, Json>>;

export interface DriverUnderTest {
  readonly name: string;
  /** A new driver over the same machine, as after a restart of the agent. */
  readonly create: (stateDir: string) => TaskDriver;
  readonly configs: {
    /** Runs until it is stopped, and then ends at once. */
    readonly runs: Config;
    readonly exits: (options: { code: number; afterMs: number }) => Config;
    /** Takes no notice of the stop signal. */
    readonly ignoresStop: Config;
    /** Writes these two texts, a line each, and ends. */
    readonly prints: (stdout: string, stderr: string) => Config;
    /** Writes `count` numbered lines `everyMs` apart; null when output ends with the agent. */
    readonly counts: ((options: { count: number; everyMs: number }) => Config) | null;
    /** Cannot be started; no retry helps. */
    readonly broken: Config;
  };
  /** null when exec is only pretended. */
  readonly exec: { readonly command: readonly string[]; readonly exitCode: number } | null;
  /** False when nothing outside the process remembers what ran. */
  readonly remembers: boolean;
}

const LIMIT_MS = 20_000;
const ignore: DriverEventSink = () => undefined;

export function testDriver(subject: DriverUnderTest): void {
  const define = (name: string, body: (world: World) => Promise<void>) => {
    test(`${subject.name}: ${name}`, { timeout: 2 * LIMIT_MS }, async () => {
      const world = await World.create(subject);
      try {
        await body(world);
      } finally {
        await world.close();
      }
    });
  };
  testEnds(define, subject);
  testStops(define, subject);
  testRestarts(define, subject);
  testRefusals(define, subject);
  if (subject.exec !== null) testExec(define, subject.exec);
}

type Define = (name: string, body: (world: World) => Promise<void>) => void;

function testEnds(define: Define, { configs }: DriverUnderTest): void {
  define("reports the exit code", async (world) => {
    const handle = await world.start(configs.exits({ code: 7, afterMs: 50 }));
    const exit = await world.exit(handle);
    assert.equal(exit.exitCode, 7);
    assert.equal(exit.error, "");
    assert.ok(exit.finishedAt >= handle.startedAt, "it ended after it began");
  });

  define("reports an exit again to who asks later", async (world) => {
    const handle = await world.start(configs.exits({ code: 3, afterMs: 0 }));
    const first = await world.exit(handle);
    assert.deepEqual(await world.exit(handle), first);
  });

  define("runs the same task again after its end", async (world) => {
    const first = await world.start(configs.exits({ code: 1, afterMs: 0 }));
    await world.exit(first);
    const second = await world.start(configs.exits({ code: 2, afterMs: 0 }));
    assert.equal((await world.exit(second)).exitCode, 2);
  });

  define("keeps the output of both streams in files", async (world) => {
    const handle = await world.start(configs.prints("to stdout", "to stderr"));
    await world.exit(handle);
    await world.driver.destroy(handle.identity);
    assert.equal((await world.output("stdout")).trimEnd(), "to stdout");
    assert.equal((await world.output("stderr")).trimEnd(), "to stderr");
  });

  define("gives up waiting when the caller does", async (world) => {
    const handle = await world.start(configs.runs);
    const controller = new AbortController();
    const waiting = world.driver.wait(handle, controller.signal);
    controller.abort();
    await assert.rejects(waiting);
  });
}

function testStops(define: Define, { configs }: DriverUnderTest): void {
  define("stops a task with a signal", async (world) => {
    const handle = await world.start(configs.runs);
    const exiting = world.exit(handle);
    await world.driver.stop(handle, { killSignal: "SIGTERM", timeoutMs: LIMIT_MS });
    assert.equal((await exiting).error, "");
  });

  define("kills a task that takes no notice of the signal", async (world) => {
    const handle = await world.start(configs.ignoresStop);
    const began = performance.now();
    await world.driver.stop(handle, { killSignal: "SIGTERM", timeoutMs: 300 });
    assert.ok(performance.now() - began >= 290, "the task had its time");
    await world.exit(handle);
  });

  define("stops a task that has ended already", async (world) => {
    const handle = await world.start(configs.exits({ code: 0, afterMs: 0 }));
    await world.exit(handle);
    await world.driver.stop(handle, { killSignal: "", timeoutMs: LIMIT_MS });
  });

  define("removes a task, also one that never was", async (world) => {
    const handle = await world.start(configs.runs);
    await world.driver.destroy(handle.identity);
    await world.driver.destroy(handle.identity);
    assert.deepEqual(await world.listed(), []);
  });
}

function testRestarts(define: Define, subject: DriverUnderTest): void {
  const { configs, remembers } = subject;

  define("adopts the running task instead of starting a twin", async (world) => {
    const first = await world.start(configs.runs);
    if (remembers) world.restartAgent();
    assert.deepEqual(await world.start(configs.runs), first);
    assert.equal((await world.listed()).length, 1);
  });

  define("finds a running task after a restart of the agent", async (world) => {
    const handle = await world.start(configs.runs);
    world.restartAgent();
    const recovered = await world.driver.recover(handle);
    assert.deepEqual(recovered, handle);
    const exiting = world.exit(handle);
    await world.driver.stop(handle, { killSignal: "SIGTERM", timeoutMs: LIMIT_MS });
    await exiting;
  });

  define("knows the exit code of a task that ended while no agent ran", async (world) => {
    const handle = await world.start(configs.exits({ code: 5, afterMs: 100 }));
    await world.exit(handle);
    world.restartAgent();
    assert.deepEqual(await world.driver.recover(handle), handle);
    assert.equal((await world.exit(handle)).exitCode, 5);
  });

  define("lists the tasks of its own node only", async (world) => {
    const handle = await world.start(configs.runs);
    if (remembers) world.restartAgent();
    assert.deepEqual(await world.listed(), [handle.identity]);
    const { clusterId } = handle.identity;
    assert.deepEqual(await world.driver.list({ clusterId, nodeId: "another" }), []);
    assert.deepEqual(await world.driver.list({ clusterId: "another", nodeId: "node-1" }), []);
  });

  if (remembers) {
    define("says that a removed task is gone", async (world) => {
      const handle = await world.start(configs.runs);
      await world.driver.destroy(handle.identity);
      world.restartAgent();
      assert.equal(await world.driver.recover(handle), null);
    });
  }

  const { counts } = configs;
  if (counts !== null) {
    define("loses and repeats no output over a restart of the agent", async (world) => {
      const handle = await world.start(counts({ count: 40, everyMs: 20 }));
      await world.untilOutput((text) => text.split("\n").length > 10);
      world.restartAgent();
      await world.driver.recover(handle);
      await world.exit(handle);
      await world.driver.destroy(handle.identity);
      const expected = Array.from({ length: 40 }, (_none, i) => String(i + 1));
      assert.deepEqual((await world.output("stdout")).trimEnd().split("\n"), expected);
    });
  }
}

function testRefusals(define: Define, { configs }: DriverUnderTest): void {
  define("refuses a field it does not know, for good", async (world) => {
    const error = await world.refusal({ ...configs.runs, nonsense: "1" });
    assert.equal(error.retryable, false);
    assert.match(error.message, /unknown field: nonsense/);
  });

  define("leaves nothing behind when a task cannot be started", async (world) => {
    const error = await world.refusal(configs.broken);
    assert.equal(error.retryable, false, error.message);
    assert.deepEqual(await world.listed(), []);
  });
}

function testExec(
  define: Define,
  exec: { readonly command: readonly string[]; readonly exitCode: number },
): void {
  define("runs a command beside the task and tells its exit code", async (world) => {
    const handle = await world.start(world.subject.configs.runs);
    const session = await world.driver.exec(handle, { command: exec.command, tty: false });
    session.stdin.end("from stdin\n");
    const chunks: Buffer[] = [];
    session.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    assert.equal(await session.exited, exec.exitCode);
    assert.equal(Buffer.concat(chunks).toString(), "from stdin\n");
  });
}

/** One allocation's directories and the agent that runs its task. */
class World {
  readonly subject: DriverUnderTest;
  readonly #root: string;
  readonly #owner: { clusterId: string; nodeId: string };
  #driver: TaskDriver;
  readonly #earlier: TaskDriver[] = [];

  private constructor(subject: DriverUnderTest, root: string) {
    this.subject = subject;
    this.#root = root;
    this.#owner = {
      clusterId: `t${process.pid}${Math.floor(performance.now())}`,
      nodeId: "node-1",
    };
    this.#driver = subject.create(join(root, "state"));
  }

  static async create(subject: DriverUnderTest): Promise<World> {
    const root = await mkdtemp(join(tmpdir(), "drover-driver-"));
    for (const part of ["alloc/logs", "web/local", "web/secrets"]) {
      await mkdir(join(root, part), { recursive: true });
    }
    return new World(subject, root);
  }

  get driver(): TaskDriver {
    return this.#driver;
  }

  /** The old driver is left as a killed agent leaves it: not closed, and asked nothing more. */
  restartAgent(): void {
    this.#earlier.push(this.#driver);
    if (this.subject.name === "docker") void this.#driver.close();
    this.#driver = this.subject.create(join(this.#root, "state"));
  }

  request(config: Config): TaskStartRequest {
    const identity = {
      ...this.#owner,
      allocId: "11111111-2222-3333-4444-555555555555",
      taskName: "web",
      namespace: "default",
      jobId: "job",
      groupName: "group",
    };
    return startRequest(this.#root, identity, config);
  }

  start(config: Config): Promise<TaskHandle> {
    return this.driver.start(this.request(config), ignore);
  }

  exit(handle: TaskHandle): Promise<TaskExit> {
    return this.driver.wait(handle, AbortSignal.timeout(LIMIT_MS));
  }

  async refusal(config: Config): Promise<TaskStartError> {
    try {
      await this.start(config);
    } catch (error) {
      assert.ok(error instanceof TaskStartError, `a TaskStartError, not ${String(error)}`);
      return error;
    }
    return assert.fail("it was started");
  }

  listed() {
    return this.driver.list(this.#owner);
  }

  async output(stream: "stdout" | "stderr"): Promise<string> {
    const prefix = join(this.#root, "alloc/logs", `web.${stream}`);
    const indexes = await logFileIndexes(prefix);
    const texts = await Promise.all(indexes.map((i) => readFile(`${prefix}.${i}`, "utf8")));
    return texts.join("");
  }

  async untilOutput(enough: (text: string) => boolean): Promise<void> {
    const deadline = performance.now() + LIMIT_MS;
    while (!enough(await this.output("stdout"))) {
      assert.ok(performance.now() < deadline, "the output never came");
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async close(): Promise<void> {
    const left = await this.listed();
    await Promise.all(left.map((identity) => this.driver.destroy(identity)));
    for (const driver of [...this.#earlier, this.#driver]) await driver.close();
    await rm(this.#root, { recursive: true, force: true });
  }
}

/** A request with everything a driver may look at; of the task only what drivers read. */
export function startRequest(
  root: string,
  identity: TaskStartRequest["identity"],
  config: Config,
): TaskStartRequest {
  const task = {
    user: "",
    logConfig: { maxFiles: 3, maxFileSizeMb: 1, disabled: false, enabled: null },
  };
  return {
    identity,
    task: task as Task,
    config,
    env: {},
    ports: [],
    networkMode: "",
    allocDir: join(root, "alloc"),
    taskDir: join(root, identity.taskName),
    logDir: join(root, "alloc/logs"),
    cpuShares: 100,
    memoryMb: 64,
    memoryMaxMb: 0,
    imageDigest: "",
  };
}
