/**
 * What the real parts need by themselves: the same Docker operations, the same check in Consul, the
 * same flush to disk, without an orchestrator around them.
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CONSUL, consulPut } from "../support/real-parts.ts";
import { type EngineEvents, engineCall } from "./docker-engine.ts";
import { median } from "./stats.ts";

/** An address of our own: no other test's ports are in the way. */
const HOST = `127.9.${process.pid % 250}.1`;
const FIRST_PORT = 14_000;
const ANSWER_MS = 10_000;
const PASSING_MS = 60_000;
const ROUNDS = 7;
let serial = 0;

interface Bare {
  readonly name: string;
  readonly id: string;
  readonly port: number;
}

async function create(image: string): Promise<Bare> {
  serial += 1;
  const name = `drover-bench-${process.pid}-${serial}`;
  const port = FIRST_PORT + (serial % 1000);
  const { text } = await engineCall("POST", `/containers/create?name=${name}`, {
    body: {
      Image: image,
      Env: [`PORT=${port}`, `BIND=${HOST}`],
      Labels: { "drover-bench": String(process.pid) },
      HostConfig: { NetworkMode: "host" },
    },
  });
  return { name, port, id: (JSON.parse(text) as { Id: string }).Id };
}

async function start(image: string): Promise<Bare> {
  const made = await create(image);
  await engineCall("POST", `/containers/${made.id}/start`);
  return made;
}

function startSome(image: string, parallel: number): Promise<Bare[]> {
  return Promise.all(Array.from({ length: parallel }, () => start(image)));
}

async function remove(one: Bare): Promise<void> {
  await engineCall("POST", `/containers/${one.id}/stop?t=5`, { tolerate: true });
  await engineCall("DELETE", `/containers/${one.id}?force=1`, { tolerate: true });
}

export interface BatchFloor {
  /** So many containers created and started while as many are stopped and removed; ms. */
  readonly batchMs: number;
  /** From the request to the engine's own `create` event, as many at once; ms. */
  readonly createMs: number;
}

export async function measureBatches(
  image: string,
  events: EngineEvents,
  parallel = 2,
): Promise<BatchFloor> {
  const batches: number[] = [];
  const creates: number[] = [];
  let before = await startSome(image, parallel);
  for (let round = 0; round < ROUNDS; round++) {
    const from = performance.timeOrigin + performance.now();
    const stopping = before.map(remove);
    const fresh = await startSome(image, parallel);
    batches.push(performance.timeOrigin + performance.now() - from);
    await Promise.all(stopping);
    for (const { id } of fresh) {
      const event = await events.first(
        `the creation of ${id}`,
        (e) => e.action === "create" && e.containerId === id,
      );
      creates.push(event.at - from);
    }
    before = fresh;
  }
  await Promise.all(before.map(remove));
  return { batchMs: median(batches), createMs: median(creates) };
}

/** So many containers created and started at once, with nothing beside them; ms. */
export async function measureStarts(image: string, parallel: number): Promise<number> {
  const samples: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const from = performance.now();
    const started = await startSome(image, parallel);
    samples.push(performance.now() - from);
    await Promise.all(started.map(remove));
  }
  return median(samples);
}

export interface DetectionFloor {
  /** A started container → it answers its check with 200; the last of a batch; ms. */
  readonly answersMs: number;
  /** Registered → Consul itself has run the check and the catalogue shows it passing; ms. */
  readonly consulMs: number;
}

export async function measureDetection(image: string, parallel = 2): Promise<DetectionFloor> {
  const answers: number[] = [];
  const detected: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const batch = await startSome(image, parallel);
    const from = performance.now();
    await Promise.all(batch.map((one) => untilAnswers(one.port)));
    answers.push(performance.now() - from);
    const registeredAt = performance.now();
    await Promise.all(batch.map(register));
    await Promise.all(batch.map(untilPassing));
    detected.push(performance.now() - registeredAt);
    await Promise.all(batch.map((one) => consulPut(`/agent/service/deregister/${one.name}`)));
    await Promise.all(batch.map(remove));
  }
  return { answersMs: median(answers), consulMs: median(detected) };
}

function untilAnswers(port: number): Promise<void> {
  const deadline = performance.now() + ANSWER_MS;
  return new Promise((resolve, reject) => {
    const attempt = () => {
      if (performance.now() > deadline) return reject(new Error(`${HOST}:${port} is silent`));
      const call = request({ host: HOST, port, path: "/health" }, (answer) => {
        answer.resume();
        if (answer.statusCode === 200) resolve();
        else setImmediate(attempt);
      });
      call.on("error", () => setImmediate(attempt));
      call.end();
    };
    attempt();
  });
}

async function register(one: Bare): Promise<void> {
  await consulPut("/agent/service/register", {
    ID: one.name,
    Name: one.name,
    Address: HOST,
    Port: one.port,
    Check: { HTTP: `http://${HOST}:${one.port}/health`, Interval: "1s", Timeout: "1s" },
  });
}

async function untilPassing(one: Bare): Promise<void> {
  const deadline = performance.now() + PASSING_MS;
  for (let index = 0; ; ) {
    if (performance.now() > deadline) throw new Error(`${one.name} does not pass in Consul`);
    const path = `/v1/health/service/${one.name}?passing=true&wait=5s&index=${index}`;
    const answer = await fetch(`http://${CONSUL}${path}`);
    index = Number(answer.headers.get("x-consul-index"));
    if (((await answer.json()) as unknown[]).length > 0) return;
  }
}

/** How long the engine takes to say that it has no such image and cannot get it; ms. */
export async function measureMissingImage(image: string): Promise<number> {
  const samples: number[] = [];
  const [name, tag] = image.split(":");
  for (let round = 0; round < ROUNDS; round++) {
    const from = performance.now();
    await engineCall("GET", `/images/${image}/json`, { tolerate: true });
    await engineCall("POST", `/images/create?fromImage=${name}&tag=${tag}`, { tolerate: true });
    samples.push(performance.now() - from);
  }
  return median(samples);
}

/** A small append flushed to the disk that data directories are on; ms. */
export function measureFlush(): number {
  const dir = mkdtempSync(join(tmpdir(), "drover-bench-"));
  const file = openSync(join(dir, "flush"), "w");
  const bytes = Buffer.alloc(1024, 1);
  const samples: number[] = [];
  for (let i = 0; i < 100; i++) {
    const from = performance.now();
    writeSync(file, bytes);
    fdatasyncSync(file);
    samples.push(performance.now() - from);
  }
  closeSync(file);
  rmSync(dir, { recursive: true });
  return median(samples);
}
