/**
 * Pulls that several ask for, and that some of them give up (DESIGN §12.3), against a stand-in that
 * pulls when told; the driver's tests have a real engine.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type Docker from "dockerode";
import { startRequest } from "../compliance.ts";
import { parseDockerConfig } from "./config.ts";
import { DockerDriver } from "./docker-driver.ts";
import { DockerEngine } from "./engine.ts";
import { DockerImages } from "./images.ts";

const IMAGE = "registry.example:5000/app:2";
const ID = "sha256:two";
const LIMIT_MS = 10_000;

class PullingEngine {
  isHere = false;
  /** Every pull that was ever asked for. */
  readonly pulls: { readonly answer: http.ServerResponse; isBroken: boolean }[] = [];

  respond(request: http.IncomingMessage, answer: http.ServerResponse): void {
    const url = request.url ?? "";
    if (request.method === "POST" && url.includes("/images/create")) {
      const pull = { answer, isBroken: false };
      answer.on("close", () => {
        pull.isBroken = !answer.writableFinished;
      });
      answer.writeHead(200, { "content-type": "application/json" });
      answer.write('{"status":"Downloading"}\n');
      this.pulls.push(pull);
      return;
    }
    answer.writeHead(this.isHere ? 200 : 404, { "content-type": "application/json" });
    answer.end(JSON.stringify(this.isHere ? { Id: ID } : { message: "No such image" }));
  }

  finish(): void {
    this.isHere = true;
    for (const { answer, isBroken } of this.pulls) if (!isBroken) answer.end('{"status":"Done"}\n');
  }
}

/** Tells when an answer has come, before whoever asked can go on. */
class RacingEngine extends DockerEngine {
  answered: () => void = () => undefined;

  override async call<T>(fn: (docker: Docker) => Promise<T>, timeoutMs?: number): Promise<T> {
    try {
      return await super.call(fn, timeoutMs);
    } finally {
      this.answered();
    }
  }
}

async function start(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), "drover-fetch-"));
  const engine = new PullingEngine();
  const server = http.createServer((request, answer) => engine.respond(request, answer));
  const path = join(directory, "engine.sock");
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const driver = new DockerDriver({ endpoint: `unix://${path}` });
  t.after(async () => {
    await driver.close();
    server.closeAllConnections();
    server.close();
    await rm(directory, { recursive: true });
  });
  const config = { image: IMAGE };
  const identity = {
    ...{ clusterId: "c", nodeId: "n", allocId: "a", taskName: "web" },
    ...{ namespace: "default", jobId: "j", groupName: "g" },
  };
  return {
    driver,
    engine,
    path,
    fetch: (signal: AbortSignal) => driver.fetch({ config, imageDigest: "" }, signal),
    prepare: (signal: AbortSignal) =>
      driver.prepare(startRequest(directory, identity, config), () => undefined, signal),
  };
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  while (!holds()) {
    assert.ok(performance.now() < deadline, `never: ${what}`);
    await turn();
  }
}

const NEVER = new AbortController().signal;

test("what is fetched ahead is pulled once, with a preparation that comes meanwhile", async (t) => {
  const { engine, fetch, prepare } = await start(t);
  const ahead = fetch(NEVER);
  await until("it is pulled", () => engine.pulls.length === 1);
  const prepared = prepare(NEVER);
  for (let i = 0; i < 100; i++) await turn();
  assert.equal(engine.pulls.length, 1);
  engine.finish();
  assert.deepEqual([await ahead, await prepared], [{ imageDigest: ID }, { imageDigest: ID }]);
  assert.deepEqual(await fetch(NEVER), { imageDigest: ID });
  assert.equal(engine.pulls.length, 1);
});

test("nothing is fetched by an account that only an allocation can name", async (t) => {
  const { driver, engine } = await start(t);
  const password = "$" + "{REGISTRY_PASSWORD}";
  const config = { image: IMAGE, auth: [{ username: "me", password }] };
  await assert.rejects(driver.fetch({ config, imageDigest: "" }, NEVER), {
    code: "auth-unknown",
    retryable: false,
  });
  assert.equal(engine.pulls.length, 0);
});

test("fetching ahead that is given up leaves the pull to the preparation", async (t) => {
  const { engine, fetch, prepare } = await start(t);
  const hint = new AbortController();
  const ahead = assert.rejects(fetch(hint.signal), { name: "AbortError" });
  await until("it is pulled", () => engine.pulls.length === 1);
  const prepared = prepare(NEVER);
  for (let i = 0; i < 100; i++) await turn();
  hint.abort();
  await ahead;
  engine.finish();
  assert.deepEqual(await prepared, { imageDigest: ID });
  assert.equal(engine.pulls.length, 1);
});

test("a pull that nobody waits for any more is broken off, and the next one begins anew", async (t) => {
  const { engine, path } = await start(t);
  const real = new RacingEngine({ endpoint: `unix://${path}` });
  const images = new DockerImages(real);
  t.after(() => images.close());
  const ensure = (signal: AbortSignal) =>
    images.ensure(parseDockerConfig({ image: IMAGE }), "", () => undefined, signal);
  const hint = new AbortController();
  const ahead = assert.rejects(ensure(hint.signal), { name: "AbortError" });
  await until("it is pulled", () => engine.pulls.length === 1);
  real.answered = () => hint.abort();
  const prepared = ensure(NEVER);
  await ahead;
  await until("it is broken off", () => engine.pulls[0]?.isBroken === true);
  await until("another one has begun", () => engine.pulls.length === 2);
  engine.finish();
  assert.equal((await prepared).digest, ID);
});
