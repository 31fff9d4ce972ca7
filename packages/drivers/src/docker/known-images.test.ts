/** What is remembered of images, against a stand-in that counts; the driver's tests have a real one. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { DockerEngine } from "./engine.ts";
import { statusOf } from "./errors.ts";
import { KnownImages } from "./known-images.ts";

const NAME = "sha256:1";

const isMissing = (error: unknown) => statusOf(error) === 404;

class CountingEngine {
  inspections = 0;
  isHere = true;
  /** Held back until it is called. */
  answer: (() => void) | null = null;
  holds = false;
  streams: http.ServerResponse[] = [];

  respond(request: http.IncomingMessage, answer: http.ServerResponse): void {
    if (request.url?.includes("/events?filters=")) {
      answer.writeHead(200).flushHeaders();
      this.streams.push(answer);
      return;
    }
    this.inspections += 1;
    const { isHere } = this;
    const send = () => {
      answer.writeHead(isHere ? 200 : 404, { "content-type": "application/json" });
      answer.end(JSON.stringify(isHere ? { Id: "sha256:1" } : { message: "No such image" }));
    };
    if (this.holds) this.answer = send;
    else send();
  }

  removesImage(): void {
    this.isHere = false;
    for (const stream of this.streams) stream.write('{"Type":"image","Action":"delete"}\n');
  }
}

async function start(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), "drover-images-"));
  const engine = new CountingEngine();
  const server = http.createServer((request, answer) => engine.respond(request, answer));
  const path = join(directory, "engine.sock");
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const known = new KnownImages(new DockerEngine({ endpoint: `unix://${path}` }));
  t.after(async () => {
    known.close();
    server.closeAllConnections();
    server.close();
    await rm(directory, { recursive: true });
  });
  return { engine, known };
}

/** Asks until no request is made: the events are heard. */
async function untilRemembered({ engine, known }: Awaited<ReturnType<typeof start>>) {
  for (let before = -1; before !== engine.inspections; ) {
    before = engine.inspections;
    await known.has(NAME);
    await turn();
  }
}

/** Asks until the answer is another one. */
async function untilForgotten({ engine, known }: Awaited<ReturnType<typeof start>>) {
  const { inspections } = engine;
  while (engine.inspections === inspections) {
    await Promise.allSettled([known.has(NAME)]);
    await turn();
  }
}

test("an image that is there is asked for once, until images change", async (t) => {
  const both = await start(t);
  await untilRemembered(both);
  const { engine, known } = both;
  const before = engine.inspections;
  await known.has(NAME);
  assert.equal(engine.inspections, before);
  engine.removesImage();
  await untilForgotten(both);
  await assert.rejects(known.has(NAME), isMissing);
});

test("an image that is not there is asked for every time", async (t) => {
  const { engine, known } = await start(t);
  engine.isHere = false;
  for (const times of [1, 2]) {
    await assert.rejects(known.has(NAME), isMissing);
    assert.equal(engine.inspections, times);
  }
});

test("an answer that was asked for before a change is not remembered", async (t) => {
  const both = await start(t);
  await untilRemembered(both);
  const { engine, known } = both;
  engine.holds = true;
  const old = known.has("sha256:2");
  while (engine.answer === null) await turn();
  engine.holds = false;
  engine.removesImage();
  await untilForgotten(both);
  engine.answer();
  await old;
  await assert.rejects(known.has("sha256:2"), isMissing);
});

test("what the engine refused is asked for again", async (t) => {
  const both = await start(t);
  await untilRemembered(both);
  const { engine, known } = both;
  engine.isHere = false;
  known.forget();
  await assert.rejects(known.has(NAME), isMissing);
});

test("without the events nothing is remembered, and they are asked for again", async (t) => {
  const both = await start(t);
  await untilRemembered(both);
  const { engine } = both;
  const [stream] = engine.streams;
  stream?.destroy();
  await untilForgotten(both);
  await untilRemembered(both);
  assert.equal(engine.streams.length, 2);
});
