/**
 * Recorded timelines of a real Nomad (`shared/reference/timeline`), played against a real agent of
 * ours by the recordings' own player. What must hold whatever the speed is compared; where we
 * differ on purpose, `timeline-differences.json` says what may differ and why.
 *
 * DROVER_TIMELINES="name,name" plays other scenarios for one node; "all" every one that needs
 * neither Docker nor Consul.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { TestCluster } from "../support/cluster.ts";

const SHARED = process.env.DROVER_SHARED ?? join(import.meta.dirname, "../../../shared");
const TIMELINES = join(SHARED, "reference", "timeline");
const SCENARIOS = join(TIMELINES, "scenarios");
const REASON = existsSync(SCENARIOS) ? false : `no recordings at ${TIMELINES}`;
const DIFFERENCES_FILE = join(import.meta.dirname, "timeline-differences.json");
const PARALLEL = 6;

/** One of each kind, those first that take longest. */
const SUBSET = [
  "progress-deadline-revert",
  "canary-fails-revert",
  "pause-canary",
  "new-version-mid",
  "capacity-returns",
  "dies-reschedules-mid",
  "seed-bad-auto-revert",
  "alloc-restart-mid",
  "alloc-stop-mid",
  "back-to-old-spec-mid",
  "group-removed",
  "fail-by-operator-revert",
  "promote-one-of-two",
  "seed-good",
  "max-parallel-3-of-7",
  "health-manual",
  "stop-mid",
  "scale-up-mid",
  "blue-green",
  "stop-purge-mid",
  "batch-fails",
  "dies-restarts-mid",
  "pause-resume",
  "health-manual-unhealthy",
  "reschedule-limited",
  "constraint-then-fixed",
  "canary-auto-promote",
  "count-up-mid",
  "revert-by-hand",
  "seed-bad-no-revert",
  "two-groups-one-fails-revert",
  "mixed-groups",
  "same-spec-twice",
  "system-single",
  "lifecycle-prestart",
  "enforce-index",
];

interface Scenario {
  readonly cluster: string;
  readonly needs?: readonly string[] | string;
  readonly http?: boolean;
}

interface Difference {
  /** As the player names what it checks; one that ends with ` > *` means everything below. */
  readonly path: string;
  readonly why: string;
  /** The largest number that is still this difference, and not a fault. */
  readonly atMost?: number;
}

/** A check that did not hold. */
interface Miss {
  readonly scenario: string;
  readonly path: string;
  readonly got: unknown;
}

interface Played {
  readonly scenarios: number;
  readonly misses: readonly Miss[];
  readonly output: string;
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, "utf8")) as T;
}

/** The scenarios this run plays. */
function chosen(): readonly string[] {
  const wanted = process.env.DROVER_TIMELINES ?? "";
  if (wanted === "") return SUBSET;
  if (wanted !== "all") return wanted.split(",");
  return readdirSync(SCENARIOS).filter((name) => {
    const scenario = readJson<Scenario>(join(SCENARIOS, name, "scenario.json"));
    return scenario.cluster === "single" && !scenario.needs && !scenario.http;
  });
}

async function play(address: string, names: readonly string[]): Promise<Played> {
  const args = ["--check", "--quiet", "--addr", address, "--cluster", "single"];
  const child = spawn(
    process.execPath,
    [
      join(TIMELINES, "play.mjs"),
      ...args,
      ...["--parallel", String(PARALLEL)],
      ...names.map((name) => join(SCENARIOS, name)),
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => {
      output += chunk;
    });
  }
  await new Promise((resolve) => child.once("close", resolve));
  return { ...parse(output), output };
}

/** Reads the player's lines: one per scenario, three per check that did not hold. */
function parse(output: string): Omit<Played, "output"> {
  const misses: Miss[] = [];
  let scenario = "";
  let scenarios = 0;
  let path = "";
  for (const line of output.split("\n")) {
    const head = /^(?:ok {2}|FAIL) ([^ :]+):/.exec(line);
    const error = /^ {5}error: (.*)$/.exec(line);
    const got = /^ {7}got {2}(.*)$/.exec(line);
    const name = /^ {5}(\S.*)$/.exec(line);
    if (head) {
      scenario = head[1] as string;
      scenarios += 1;
    } else if (error) {
      misses.push({ scenario, path: "error", got: error[1] });
    } else if (got) {
      misses.push({ scenario, path, got: got[1] === "undefined" ? null : parseGot(got[1] ?? "") });
    } else if (name) {
      path = name[1] as string;
    }
  }
  return { scenarios, misses };
}

function parseGot(text: string): unknown {
  return JSON.parse(text);
}

function explains({ atMost, path }: Difference, miss: Miss): boolean {
  const below = path.endsWith(" > *") && miss.path.startsWith(path.slice(0, -1));
  if (path !== miss.path && !below) return false;
  return atMost === undefined || (typeof miss.got === "number" && miss.got <= atMost);
}

const differences = readJson<Record<string, readonly Difference[]>>(DIFFERENCES_FILE);

function unexplained(miss: Miss): boolean {
  return !(differences[miss.scenario] ?? []).some((each) => explains(each, miss));
}

test("every difference names a recorded scenario and its reason", { skip: REASON }, () => {
  const known = new Set(readdirSync(SCENARIOS));
  const unknown = Object.keys(differences).filter((name) => !known.has(name));
  assert.deepEqual(unknown, []);
  for (const [name, list] of Object.entries(differences)) {
    for (const { path, why } of list) assert.ok(path !== "" && why !== "", `${name}: ${path}`);
  }
});

test("the player's output is understood", () => {
  const output = [
    "ok   a: 3 passed, 0 failed",
    "FAIL b: 1 passed, 2 failed",
    "     bounds > api > maxLive",
    '       want {"atMost":6}',
    "       got  8",
    "     batches > api v1",
    '       want {"is":[1]}',
    "       got  undefined",
    "     error: timeout waiting for it",
    "4 passed, 2 failed",
  ].join("\n");
  const { misses, scenarios } = parse(output);
  assert.equal(scenarios, 2);
  const live = { scenario: "b", path: "bounds > api > maxLive", got: 8 };
  assert.deepEqual(misses, [
    live,
    { scenario: "b", path: "batches > api v1", got: null },
    { scenario: "b", path: "error", got: "timeout waiting for it" },
  ]);
  const difference = { path: "bounds > api > maxLive", why: "w" };
  assert.ok(explains({ ...difference, atMost: 8 }, live));
  assert.ok(!explains({ ...difference, atMost: 7 }, live));
  assert.ok(explains({ path: "bounds > *", why: "w" }, live));
  assert.ok(!explains({ path: "bounds", why: "w" }, live));
});

test("timelines for one node pass as recorded, or differ on purpose", {
  skip: REASON,
}, async () => {
  const names = chosen();
  const cluster = await TestCluster.start({ agents: 1 });
  try {
    const host = cluster.agents[0]?.host ?? "";
    const address = `http://${host}:4646`;
    const { misses, output, scenarios } = await play(address, names);
    assert.equal(scenarios, names.length, output);
    const suspects = [...new Set(misses.filter(unexplained).map(({ scenario }) => scenario))];
    if (suspects.length === 0) return;
    // A recorded moment (pending or running already?) can be missed on a machine that is busy with
    // other work; a broken rule is missed every time.
    console.log(`played again, alone: ${suspects.join(", ")}`);
    const again = await play(address, suspects);
    assert.equal(again.scenarios, suspects.length, again.output);
    assert.deepEqual(again.misses.filter(unexplained), []);
  } finally {
    await cluster.stop();
  }
});
