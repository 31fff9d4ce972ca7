/** Job files recorded from a real cluster, and what they meant or what was wrong with them. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import type { JobInput } from "@drover/model";
import { encodeJobOutput, formatDiagnostics, parseJobFile, parseJobJson } from "./index.ts";
import { haveRecordings, nodeHost, RECORDINGS } from "./node-host.test.ts";

interface CaseArguments {
  readonly flags?: readonly string[];
  readonly env?: Record<string, string>;
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8"));
}

/** Numbers of 16 and more digits are compared by their spelling. */
function parseExact(text: string): unknown {
  return JSON.parse(
    text.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (token) => {
      const isLong = token[0] !== '"' && token.replace(/\D/g, "").length >= 16;
      return isLong ? `"#number ${token}"` : token;
    }),
  );
}

interface Flags {
  readonly variables: string[];
  readonly varFiles: string[];
  /** Other flags with a value. */
  readonly values: Record<string, string>;
  readonly files: string[];
  json: boolean;
}

function readFlags(flags: readonly string[]): Flags {
  const result: Flags = { variables: [], varFiles: [], values: {}, files: [], json: false };
  const rest = [...flags];
  for (let flag = rest.shift(); flag !== undefined; flag = rest.shift()) {
    const [, name, inline] = /^--?([^=]+)(?:=(.*))?$/.exec(flag) ?? [];
    if (name === undefined) result.files.push(flag);
    else if (name === "json" || name === "output") result.json ||= name === "json";
    else {
      const value = inline ?? rest.shift() ?? "";
      if (name === "var") result.variables.push(value);
      else if (name === "var-file") result.varFiles.push(value);
      else result.values[name] = value;
    }
  }
  return result;
}

/** What the command line prints for a file, on standard output or, after "Error ", on the other. */
function runCase(part: string, file: string, flags: Flags, env: Record<string, string>): string {
  const directory = join(RECORDINGS, part);
  const text = readFileSync(join(directory, file));
  if (flags.json) {
    const parsed = parseJobJson(text.toString());
    return parsed.ok
      ? encodeJobOutput(parsed.job)
      : `Error Failed to parse JSON job: ${parsed.message}`;
  }
  const parsed = parseJobFile({
    text,
    fileName: file,
    variables: {
      flags: flags.variables,
      varFiles: flags.varFiles.map((name) => {
        const path = join(directory, name);
        if (existsSync(path)) return { name, text: readFileSync(path) };
        return { name, problem: `open ${name}: no such file or directory` };
      }),
      env,
    },
    host: nodeHost(directory),
    strict: flags.values["hcl2-strict"] !== "false",
  });
  if (parsed.job === null) {
    return `Error Error parsing job file from ${file}:\n${formatDiagnostics(parsed)}`;
  }
  return encodeJobOutput(withNamespaces(parsed.job, flags));
}

function withNamespaces(job: JobInput, { values }: Flags): JobInput {
  return {
    ...job,
    consulNamespace: values["consul-namespace"] ?? job.consulNamespace,
    vaultNamespace: values["vault-namespace"] ?? job.vaultNamespace,
  };
}

function differences(want: unknown, got: unknown): string {
  try {
    assert.deepEqual(got, want);
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function report(name: string, total: number, failures: Map<string, string>): void {
  console.log(`${name}: ${total - failures.size} of ${total} as recorded`);
  for (const [each, why] of failures) console.log(`  ${each}: ${why}`);
  assert.deepEqual([...failures.keys()], []);
}

test("job files mean what they meant in the recordings", () => {
  if (!haveRecordings) {
    console.log(`skipped: no recordings in ${RECORDINGS}`);
    return;
  }
  const directory = join(RECORDINGS, "parse");
  const failures = new Map<string, string>();
  let total = 0;
  for (const file of readdirSync(directory)) {
    const name = /^(.*)\.nomad\.(?:hcl|json)$/.exec(file)?.[1];
    if (name === undefined) continue;
    total += 1;
    const argsFile = join(directory, `${name}.args.json`);
    const args = existsSync(argsFile) ? (readJson(argsFile) as CaseArguments) : {};
    const got = runCase("parse", file, readFlags(args.flags ?? []), args.env ?? {});
    if (got.startsWith("Error ")) {
      failures.set(name, got);
      continue;
    }
    const want = readFileSync(join(directory, `${name}.json`), "utf8");
    const why = differences(parseExact(want), parseExact(got));
    if (why !== "") failures.set(name, why);
  }
  report("parse", total, failures);
});

interface RecordedError {
  readonly argv: readonly string[];
  readonly exit: number;
  readonly stderr: string;
  readonly env?: Record<string, string>;
  readonly needs_server?: boolean;
  readonly varies?: "order" | "content";
  readonly alternatives?: readonly string[];
}

/** What the command line finds out before it reads the file. */
const BEFORE_READING = /^cli-/;
const PREFIX = "Error getting job struct: ";

function isExpected(want: RecordedError, got: string): boolean {
  const inAnyOrder = (text: string) => text.split("\n").sort().join("\n");
  return [want.stderr, ...(want.alternatives ?? [])].some((text) => {
    return want.varies === undefined ? got === text : inAnyOrder(got) === inAnyOrder(text);
  });
}

test("bad job files are refused in the words of the recordings", () => {
  if (!haveRecordings) {
    console.log(`skipped: no recordings in ${RECORDINGS}`);
    return;
  }
  const directory = join(RECORDINGS, "errors");
  const failures = new Map<string, string>();
  let total = 0;
  for (const file of readdirSync(directory)) {
    const name = /^(.*)\.nomad\.(?:hcl|json)$/.exec(file)?.[1];
    if (name === undefined || BEFORE_READING.test(name)) continue;
    const want = readJson(join(directory, `${name}.txt`)) as RecordedError;
    if (want.needs_server === true || !want.argv.includes("-output")) continue;
    total += 1;
    const flags = readFlags(want.argv.slice(2));
    const result = runCase("errors", file, flags, want.env ?? {});
    const got = result.startsWith("Error ") ? `${PREFIX}${result.slice(6)}\n` : "";
    if (!isExpected(want, got)) failures.set(name, `\n    want ${want.stderr}\n    got  ${got}`);
  }
  report("errors", total, failures);
});
