/** The driver against an engine that goes away: a stand-in, because a real one is shared. */
import assert from "node:assert/strict";
import { readdirSync, readlinkSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { DockerEngine } from "./engine.ts";
import { waitForExit } from "./exit.ts";
import { LogCopier } from "./log-copier.ts";
import { stopContainer } from "./stop.ts";

const LIMIT_MS = 10_000;

interface ContainerState {
  running: boolean;
  exitCode: number;
}

/** The few calls that waiting, stopping and copying logs make. */
class FakeEngine {
  readonly socketPath: string;
  readonly state: ContainerState = { running: true, exitCode: 0 };
  /** Answers to the next log requests: what is sent, and whether the stream then stays open. */
  readonly logs: { readonly text: Buffer; readonly stays: boolean }[] = [];
  readonly requests: string[] = [];
  #server: http.Server | null = null;
  readonly #waiting = new Set<http.ServerResponse>();
  #seen: (() => void) | null = null;

  constructor(directory: string) {
    this.socketPath = join(directory, "engine.sock");
  }

  async up(): Promise<void> {
    const server = http.createServer((request, answer) => this.#answer(request, answer));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.socketPath, resolve));
  }

  async down(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    this.#waiting.clear();
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  exit(code: number): void {
    this.state.running = false;
    this.state.exitCode = code;
    for (const answer of this.#waiting) answer.end(JSON.stringify({ StatusCode: code }));
    this.#waiting.clear();
  }

  /** Resolves when a request whose line contains `part` has come. */
  async asked(part: string, times = 1): Promise<void> {
    const deadline = performance.now() + LIMIT_MS;
    while (this.requests.filter((line) => line.includes(part)).length < times) {
      assert.ok(performance.now() < deadline, `nobody asked ${part}: ${this.requests.join(", ")}`);
      await Promise.race([
        new Promise<void>((resolve) => {
          this.#seen = resolve;
        }),
        delay(LIMIT_MS / 10),
      ]);
    }
  }

  #answer(request: http.IncomingMessage, answer: http.ServerResponse): void {
    const url = request.url ?? "";
    this.requests.push(`${request.method} ${url}`);
    this.#seen?.();
    if (url.includes("/wait")) {
      answer.flushHeaders();
      if (this.state.running) this.#waiting.add(answer);
      else answer.end(JSON.stringify({ StatusCode: this.state.exitCode }));
      return;
    }
    if (url.includes("/logs")) {
      const next = this.logs.shift() ?? { text: Buffer.alloc(0), stays: false };
      answer.write(next.text, () => {
        if (!next.stays) answer.end();
      });
      return;
    }
    if (url.includes("/kill")) {
      answer.writeHead(204).end();
      this.exit(143);
      return;
    }
    answer.setHeader("Content-Type", "application/json");
    answer.end(JSON.stringify({ Id: "c1", Config: {}, State: inspectState(this.state) }));
  }
}

function inspectState(state: ContainerState) {
  return {
    Running: state.running,
    Restarting: false,
    Status: state.running ? "running" : "exited",
    ExitCode: state.exitCode,
    OOMKilled: false,
    StartedAt: "2026-01-01T00:00:00Z",
    FinishedAt: state.running ? "0001-01-01T00:00:00Z" : "2026-01-01T00:00:05Z",
  };
}

interface Parts {
  readonly fake: FakeEngine;
  readonly engine: DockerEngine;
  readonly directory: string;
  /** What is under way and would try again for ever, were the test to fail meanwhile. */
  during<T>(work: Promise<T>): Promise<T>;
}

async function onStage(body: (parts: Parts) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "drover-outage-"));
  const fake = new FakeEngine(directory);
  await fake.up();
  const engine = new DockerEngine({ endpoint: fake.socketPath });
  const begun: Promise<unknown>[] = [];
  const during = <T>(work: Promise<T>): Promise<T> => {
    begun.push(work);
    return work;
  };
  try {
    await body({ fake, engine, directory, during });
  } finally {
    fake.exit(0);
    await fake.down();
    await fake.up();
    await Promise.allSettled(begun);
    await fake.down();
    await rm(directory, { recursive: true, force: true });
  }
}

test("a container that outlives an outage is waited for again", async () => {
  await onStage(async ({ fake, engine, during }) => {
    const exiting = during(waitForExit(engine, "c1", AbortSignal.timeout(LIMIT_MS)));
    await fake.asked("/wait");
    await fake.down();
    await fake.up();
    await fake.asked("/wait", 2);
    fake.exit(4);
    const exit = await exiting;
    assert.equal(exit.exitCode, 4);
    assert.equal(exit.duringOutage, undefined);
    assert.equal(exit.finishedAt, Date.parse("2026-01-01T00:00:05Z"));
  });
});

test("a container that ended during an outage is told apart from one that failed", async () => {
  await onStage(async ({ fake, engine, during }) => {
    const exiting = during(waitForExit(engine, "c1", AbortSignal.timeout(LIMIT_MS)));
    await fake.asked("/wait");
    await fake.down();
    fake.exit(137);
    await fake.up();
    const exit = await exiting;
    assert.equal(exit.exitCode, 137);
    assert.equal(exit.signal, 9);
    assert.equal(exit.duringOutage, true);
  });
});

test("a stop that meets an outage is carried out after it", async () => {
  await onStage(async ({ fake, engine, during }) => {
    await fake.down();
    const how = { killSignal: "SIGTERM", timeoutMs: LIMIT_MS };
    const stopping = during(stopContainer(engine, "c1", how));
    // Asked behind the stop's own first call, which has failed too when this one has.
    await assert.rejects(engine.call((docker) => docker.ping()));
    await fake.up();
    await stopping;
    assert.equal(fake.state.running, false);
    assert.ok(fake.requests.some((line) => line.includes("/kill?signal=SIGTERM")));
  });
});

/** One entry as the engine frames it. */
function entry(second: number, text: string): Buffer {
  const time = `2026-01-01T00:00:${String(second).padStart(2, "0")}.500000000Z`;
  const body = Buffer.from(`${time} ${text}\n`);
  const header = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(body.length, 4);
  return Buffer.concat([header, body]);
}

test("output goes on behind the last entry when the engine is back", async () => {
  await onStage(async ({ fake, engine, directory, during }) => {
    fake.logs.push({ text: Buffer.concat([entry(1, "one"), entry(2, "two")]), stays: true });
    fake.logs.push({ text: Buffer.concat([entry(2, "two"), entry(3, "three")]), stays: false });
    const target = { logDir: directory, taskName: "web", maxFiles: 2, maxFileBytes: 1_000_000 };
    const failures: unknown[] = [];
    const copier = new LogCopier(
      {
        containerId: "c1",
        tty: false,
        target,
        after: Promise.resolve(),
        onError: (error) => failures.push(error),
      },
      engine,
    );
    void during(copier.done);
    const file = join(directory, "web.stdout.0");
    await fake.asked("/logs");
    await untilText(file, "one\ntwo\n");
    await fake.down();
    fake.exit(0);
    await fake.up();
    await copier.done;
    assert.deepEqual(failures, []);
    assert.equal(await readFile(file, "utf8"), "one\ntwo\nthree\n");
    assert.ok(fake.requests.some((line) => line.includes("since=1767225602.500000000")));
  });
});

test("what was written after the last checkpoint of a killed agent is not written twice", async () => {
  await onStage(async ({ fake, engine, directory }) => {
    const file = join(directory, "web.stdout.0");
    await writeFile(file, "one\ntwo\n");
    await writeFile(join(directory, "web.stderr.0"), "");
    const none = { fileIndex: 0, bytesBefore: 0, bytesAtCheckpoint: 0 };
    const position = {
      containerId: "c1",
      time: "2026-01-01T00:00:01.500000000Z",
      stdout: { ...none, bytesAtCheckpoint: 4 },
      stderr: none,
    };
    await writeFile(join(directory, ".web.position.json"), JSON.stringify(position));
    const again = [entry(1, "one"), entry(2, "two"), entry(3, "three")];
    fake.logs.push({ text: Buffer.concat(again), stays: false });
    fake.exit(0);
    const target = { logDir: directory, taskName: "web", maxFiles: 2, maxFileBytes: 1_000_000 };
    const options = { containerId: "c1", tty: false, target, after: Promise.resolve() };
    const onError = (error: unknown) => assert.fail(String(error));
    await new LogCopier({ ...options, onError }, engine).done;
    assert.equal(await readFile(file, "utf8"), "one\ntwo\nthree\n");
  });
});

test("an entry that comes in pieces is put together", async () => {
  await onStage(async ({ fake, engine, directory, during }) => {
    const whole = Buffer.concat([entry(1, "first"), entry(2, "second")]);
    fake.logs.push({ text: whole.subarray(0, 60), stays: false });
    fake.logs.push({ text: whole, stays: false });
    const target = { logDir: directory, taskName: "web", maxFiles: 2, maxFileBytes: 1_000_000 };
    const options = { containerId: "c1", tty: false, target, after: Promise.resolve() };
    const copier = new LogCopier(
      { ...options, onError: (error) => assert.fail(String(error)) },
      engine,
    );
    void during(copier.done);
    await fake.asked("/logs", 2);
    fake.exit(0);
    await copier.done;
    assert.equal(await readFile(join(directory, "web.stdout.0"), "utf8"), "first\nsecond\n");
  });
});

test("a log directory that is removed meanwhile leaves no file open", async () => {
  await onStage(async ({ fake, engine, directory, during }) => {
    fake.logs.push({ text: entry(1, "one"), stays: true });
    const logDir = join(directory, "logs");
    const target = { logDir, taskName: "web", maxFiles: 2, maxFileBytes: 1_000_000 };
    const failures: unknown[] = [];
    const onError = (error: unknown) => failures.push(error);
    const options = { containerId: "c1", tty: false, target, after: Promise.resolve(), onError };
    const copier = new LogCopier(options, engine);
    void during(copier.done);
    await untilText(join(logDir, "web.stdout.0"), "one\n");
    assert.equal(openFilesIn(logDir).length, 2);
    await rm(logDir, { recursive: true });
    await copier.stop();
    assert.equal(failures.length, 1, "the position has no place any more");
    assert.deepEqual(openFilesIn(logDir), []);
  });
});

/** Of this process; a file may have been removed since. */
function openFilesIn(directory: string): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(directory) ? [path] : [];
    } catch {
      // The listing's own, closed again.
      return [];
    }
  });
}

async function untilText(path: string, text: string): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  while ((await readFile(path, "utf8").catch(() => "")) !== text) {
    assert.ok(performance.now() < deadline, `${path} never held the text`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
