/**
 * Every recorded bad HTTP request, sent to a real agent: the same status, the same headers of
 * interest and the same text (reference/cli/5-errors).
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { TestCluster } from "../support/cluster.ts";
import { waitUntil } from "../support/wait.ts";

const SHARED = process.env.DROVER_SHARED ?? join(import.meta.dirname, "../../../shared");
const FOLDER = join(SHARED, "reference", "cli", "5-errors");
const skip = existsSync(FOLDER) ? false : `no recordings at ${FOLDER}`;

/** The requests that came before these belong to commands. */
const FIRST_STEP = 292;
const HEADERS = [
  "Content-Type",
  "X-Nomad-Index",
  "X-Nomad-Knownleader",
  "X-Nomad-Lastcontact",
  "Location",
  "Cache-Control",
] as const;
const LEFT_OUT: Readonly<Record<number, string>> = {
  382: "a stream without an end",
  410: "the body was left out of the recording",
  411: "the body was left out of the recording",
};

interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly query?: string;
  readonly request_body?: unknown;
  readonly status: number;
  readonly response_headers: Readonly<Record<string, string>>;
  readonly response_body: unknown;
}

interface Step {
  readonly kind: string;
  readonly http: readonly Exchange[];
}

const steps: readonly Step[] = skip
  ? []
  : (JSON.parse(readFileSync(join(FOLDER, "transcript.json"), "utf8")) as Step[]);

let cluster: TestCluster;
let address = "";
let nodeId = "";

before(async () => {
  if (skip) return;
  cluster = await TestCluster.start({ agents: 1 });
  const api = cluster.agents[0]?.api;
  assert.ok(api);
  address = api.address;
  nodeId = (await api.get<{ ID: string }[]>("/v1/nodes"))[0]?.ID ?? "";
  const source = readFileSync(join(FOLDER, "good.nomad.hcl"), "utf8");
  await api.run(source, { Submission: { Source: source, Format: "hcl2" } });
  await waitUntil(
    () => api.get<{ Status: string } | null>("/v1/job/good/deployment"),
    (deployment) => deployment?.Status === "successful",
    { timeoutMs: 15_000, what: "the job of the recording to be deployed" },
  );
});
after(async () => {
  if (!skip) await cluster.stop();
});

interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: unknown;
}

/** By `node:http`, which keeps the spelling of header names and sends any verb and path. */
function send(exchange: Exchange, body: string | undefined): Promise<Answer> {
  const path = exchange.path.replace(/(?<=\/node\/)(?!f{8})[0-9a-f-]{36}/, nodeId);
  const [host, port] = address.split(":");
  const target = exchange.query ? `${path}?${exchange.query}` : path;
  return new Promise((resolve, reject) => {
    // Node would send the body of a DELETE without saying how long it is.
    const headers = { "Content-Length": Buffer.byteLength(body ?? "") };
    const options = { host, port, method: exchange.method, path: target, headers };
    const sent = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const received = new Map<string, string>();
        for (let i = 0; i + 1 < response.rawHeaders.length; i += 2) {
          received.set(response.rawHeaders[i] as string, response.rawHeaders[i + 1] as string);
        }
        const text = Buffer.concat(chunks).toString();
        const isJson = received.get("Content-Type") === "application/json";
        const status = response.statusCode ?? 0;
        resolve({ status, headers: received, body: isJson ? JSON.parse(text) : text });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

for (const [index, step] of steps.entries()) {
  const exchange = step.http[0];
  if (index < FIRST_STEP || step.kind !== "http" || !exchange) continue;
  const query = exchange.query ? `?${exchange.query}` : "";
  const title = `step ${index}: ${exchange.method} ${exchange.path}${query}`;
  const leftOut = LEFT_OUT[index];
  if (leftOut) continue;
  test(`${title} is answered as it was recorded`, async () => {
    const answer = await send(exchange, bodyOf(index, exchange.request_body));
    assert.equal(answer.status, exchange.status);
    for (const name of HEADERS) {
      assert.equal(shown(name, answer.headers.get(name)), shown(name, recorded(exchange, name)));
    }
    if (!isReference(exchange.response_body)) {
      assert.deepEqual(answer.body, exchange.response_body);
    }
  });
}

function recorded(exchange: Exchange, name: string): string | undefined {
  return exchange.response_headers[name];
}

/** Indexes are only compared as zero or not. */
function shown(name: string, value: string | undefined): string {
  if (value === undefined) return "none";
  return name === "X-Nomad-Index" ? (value === "0" ? "zero" : "some") : value;
}

/** The first body is cut JSON, recorded as its text; the other texts are JSON strings. */
function bodyOf(index: number, body: unknown): string | undefined {
  if (body === undefined || body === null) return undefined;
  return index === FIRST_STEP ? String(body) : JSON.stringify(body);
}

function isReference(body: unknown): boolean {
  return typeof body === "object" && body !== null && "$same_as" in body;
}
