/** Job files recorded from a real cluster, and what they meant or what was wrong with them. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { encodeInput, jobSchema } from "@drover/model";
import { formatDiagnostics, type ParsedJob, parseJobFile } from "./index.ts";
import { haveRecordings, nodeHost, RECORDINGS } from "./node-host.test.ts";

interface CaseArguments {
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
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
  strict: boolean;
  json: boolean;
}

function readFlags(flags: readonly string[]): Flags {
  const result: Flags = { variables: [], varFiles: [], strict: true, json: false };
  for (let i = 0; i < flags.length; i += 1) {
    const [, name = "", inline] = /^--?([^=]+)(?:=(.*))?$/.exec(flags[i] ?? "") ?? [];
    if (name === "json") result.json = true;
    else if (name === "hcl2-strict") result.strict = inline !== "false";
    else if (name === "var" || name === "var-file") {
      const value = inline ?? flags[(i += 1)] ?? "";
      (name === "var" ? result.variables : result.varFiles).push(value);
    }
  }
  return result;
}

function parseCase(part: string, file: string, args: CaseArguments): ParsedJob {
  const directory = join(RECORDINGS, part);
  const flags = readFlags(args.flags ?? []);
  return parseJobFile({
    text: readFileSync(join(directory, file)),
    fileName: file,
    variables: {
      flags: flags.variables,
      varFiles: flags.varFiles.map((name) => {
        return { name, text: readFileSync(join(directory, name)) };
      }),
      env: args.env ?? {},
    },
    host: nodeHost(directory),
    strict: flags.strict,
  });
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
    const parsed = parseCase("parse", file, args);
    if (parsed.job === null) {
      failures.set(name, formatDiagnostics(parsed));
      continue;
    }
    const got = JSON.stringify({ Job: encodeInput(jobSchema, parsed.job) });
    const want = readFileSync(join(directory, `${name}.json`), "utf8");
    const why = differences(parseExact(want), parseExact(got));
    if (why !== "") failures.set(name, why);
  }
  report("parse", total, failures);
});
