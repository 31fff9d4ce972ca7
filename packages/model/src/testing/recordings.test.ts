/**
 * Finds the recordings that conformance tests compare with. They lie beside the checkout
 * (`../shared/reference`); DROVER_SHARED names another place. Holds no tests of its own.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Json, JsonObject } from "../schema/field.ts";

const SHARED =
  process.env.DROVER_SHARED ?? join(import.meta.dirname, "..", "..", "..", "..", "..", "shared");

/** Folder of the reference recordings, or null with a printed line when it is not there. */
export function referenceDir(...parts: string[]): string | null {
  const dir = join(SHARED, "reference", ...parts);
  if (existsSync(dir)) return dir;
  console.log(`no recordings at ${dir}: set DROVER_SHARED to run this comparison`);
  return null;
}

export function readJson(...parts: string[]): Json {
  return JSON.parse(readFileSync(join(...parts), "utf8")) as Json;
}

export function readText(...parts: string[]): string {
  return readFileSync(join(...parts), "utf8");
}

export function listDir(dir: string, suffix = ""): string[] {
  return readdirSync(dir)
    .filter((name) => name.endsWith(suffix))
    .sort();
}

export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly query: string | null;
  readonly status: number;
  readonly requestBody: Json;
  readonly body: Json;
}

interface RawExchange {
  method: string;
  path: string;
  query?: string;
  status?: number;
  request_body?: Json;
  response_body?: Json;
}

/** Every recorded HTTP exchange of the CLI scenarios whose body is there. */
export function* exchanges(): Generator<Exchange> {
  const dir = referenceDir("cli");
  if (dir === null) return;
  for (const scenario of listDir(dir)) {
    if (!existsSync(join(dir, scenario, "transcript.json"))) continue;
    const steps = readJson(dir, scenario, "transcript.json") as unknown as {
      http?: RawExchange[];
    }[];
    for (const step of steps) {
      for (const raw of step.http ?? []) {
        yield {
          method: raw.method,
          path: raw.path,
          query: raw.query ?? null,
          status: raw.status ?? 0,
          requestBody: raw.request_body ?? null,
          body: raw.response_body ?? null,
        };
      }
    }
  }
}

/** Visits every object inside `json`, outermost first. */
export function visitObjects(json: Json, visit: (object: JsonObject) => void): void {
  if (json === null || typeof json !== "object") return;
  if (Array.isArray(json)) {
    for (const item of json) visitObjects(item, visit);
    return;
  }
  visit(json);
  for (const member of Object.values(json)) visitObjects(member, visit);
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** Instants in milliseconds, as ours are; members in one order. For comparing, not for reading. */
export function comparable(json: Json): Json {
  if (typeof json === "number") return Math.abs(json) > 1e17 ? Math.round(json / 1e6) : json;
  if (typeof json === "string") return INSTANT.test(json) ? Date.parse(json) : json;
  if (json === null || typeof json !== "object") return json;
  if (Array.isArray(json)) return json.map(comparable);
  const out: JsonObject = {};
  for (const key of Object.keys(json).sort()) out[key] = comparable(json[key] ?? null);
  return out;
}

/** First place where two comparable documents differ; null when they are equal. */
export function firstDifference(actual: Json, expected: Json, path = "$"): string | null {
  if (actual === expected) return null;
  const both = [actual, expected];
  if (both.every((one) => Array.isArray(one))) {
    const [a, e] = both as [Json[], Json[]];
    if (a.length !== e.length) return `${path}: ${a.length} items, expected ${e.length}`;
    for (let i = 0; i < a.length; i++) {
      const found = firstDifference(a[i] as Json, e[i] as Json, `${path}[${i}]`);
      if (found !== null) return found;
    }
    return null;
  }
  if (both.every((one) => typeof one === "object" && one !== null && !Array.isArray(one))) {
    const [a, e] = both as [JsonObject, JsonObject];
    for (const key of new Set([...Object.keys(e), ...Object.keys(a)])) {
      if (!(key in a)) return `${path}.${key} is missing`;
      if (!(key in e)) return `${path}.${key} is not in the recording (${JSON.stringify(a[key])})`;
      const found = firstDifference(a[key] as Json, e[key] as Json, `${path}.${key}`);
      if (found !== null) return found;
    }
    return null;
  }
  return `${path}: ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`;
}
