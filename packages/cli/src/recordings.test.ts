/**
 * Every recorded command again, against the recorded answers: same text on both streams, same exit
 * code, same changes asked for. What a live agent would answer is not tested here.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { normalize, styled } from "./testing/normalize.ts";
import { RecordedAgent } from "./testing/recorded-agent.ts";
import {
  CLI_RECORDINGS,
  haveRecordings,
  type RecordedStep,
  readScenario,
} from "./testing/recordings.ts";
import { type RunResult, runRecorded } from "./testing/run-recorded.ts";

const SCENARIOS = [
  "1-seed-walkthrough",
  "1b-seed-literal-update",
  "1c-terminal",
  "1d-seed-unhealthy",
  "2-canary",
  "3-job-lifecycle",
  "4-nodes",
  "5-errors",
  "5b-ports-and-monitors",
  "8-services",
];

/** Command lines that are not replayed here, and why. */
const LEFT_OUT: readonly (readonly [command: RegExp, why: string])[] = [
  [/^(alloc )?exec -i/, "speaks over a WebSocket"],
  [/^alloc logs -job/, "takes any one allocation of the job"],
  [/^-?version$/, "prints its own version"],
  [/^node meta apply|^server force-leave|remove-peer$/, "not there yet"],
  [/tick(\.nomad\.hcl)?$/, "the next periodic launch is not computed"],
  [/^service info nope$/, "the reference shows a service of another name"],
  [/^nope$|^job nope$|^node purge/, "help in our own words"],
];

/** Commands with the members of a map among their text, which the reference prints in any order. */
const PRINTS_MAPS = /-full|members -verbose/;

process.env.TZ = "UTC";

const skip = haveRecordings ? false : `no recordings at ${CLI_RECORDINGS}`;

for (const scenario of SCENARIOS) {
  test(`the recorded commands of ${scenario} print what they printed`, { skip }, async (t) => {
    const agent = await RecordedAgent.start();
    t.after(() => agent.stop());
    const steps = readScenario(scenario);
    const start = startOf(steps);
    for (const [i, step] of steps.entries()) {
      if (isLeftOut(step)) continue;
      const result = await runRecorded(agent, {
        argv: step.argv,
        http: step.http,
        env: addressOf(step),
        directory: join(CLI_RECORDINGS, scenario),
        isTerminal: step.pty === true,
        now: start + step.t * 1000 + step.ms + 1000,
        ...(step.stdin === undefined ? {} : { stdin: step.stdin }),
      });
      compare(`${scenario} ${i}: ${step.argv.join(" ")}`, step, result, agent);
    }
  });
}

function isLeftOut(step: RecordedStep): boolean {
  if (step.kind !== "cli" || step.ended_by !== undefined) return true;
  const command = step.argv.join(" ");
  if (LEFT_OUT.some(([pattern]) => pattern.test(command))) return true;
  // A terminal's spinner turns with time.
  if (step.pty === true && step.stdout.includes("in progress...")) return true;
  return step.http.some((one) => JSON.stringify(one.response_body ?? null).includes("$elided"))
    ? !usesOnlyHint(step)
    : false;
}

/** The agent's own document is kept only as far as the hint needs it. */
function usesOnlyHint(step: RecordedStep): boolean {
  const elided = step.http.filter((one) =>
    JSON.stringify(one.response_body ?? null).includes("$elided"),
  );
  const needsAgent = step.argv.includes("-self") || step.argv[0] === "agent-info";
  return !needsAgent && elided.every((one) => one.path === "/v1/agent/self");
}

/** Epoch ms of the scenario's beginning, by the first message of a monitor. */
function startOf(steps: readonly RecordedStep[]): number {
  for (const step of steps) {
    const spoken = /==> (\S+Z): Monitoring evaluation/.exec(step.stdout ?? "");
    const asked = step.http.find((one) => one.path.startsWith("/v1/evaluation/"));
    if (spoken && asked) return Date.parse(spoken[1] as string) - step.t * 1000 - asked.t_ms;
  }
  return 0;
}

/** Addresses that a step was given on purpose are only in what it printed. */
function addressOf(step: RecordedStep): Record<string, string> {
  const printed = `${step.stderr}${step.stdout}`;
  if (printed.includes('scheme ""')) return { NOMAD_ADDR: "127.0.0.1:4" };
  const said = /"(https?:\/\/127\.0\.0\.1:4)\//.exec(printed);
  if (said) return { NOMAD_ADDR: said[1] as string };
  const isOffline = step.http.length === 0 && printed.includes("connection to Nomad agent");
  return isOffline ? { NOMAD_ADDR: "http://127.0.0.1:4" } : {};
}

function compare(name: string, step: RecordedStep, result: RunResult, agent: RecordedAgent): void {
  const cut = (text: string) =>
    /^Usage: /.test(text) ? text.slice(0, text.indexOf("\n")) : normalize(text);
  const read = (text: string) =>
    cut(text.includes("\u001b[") ? styled(text) : text.replaceAll("\r\n", "\n"));
  const expected = { exit: step.exit, stdout: read(step.stdout), stderr: cut(step.stderr) };
  const got = { exit: result.exit, stdout: read(result.stdout), stderr: cut(result.stderr) };
  if (got.stdout.startsWith("{") || got.stdout.startsWith("[")) {
    expected.stdout = withoutOrder(expected.stdout);
    got.stdout = withoutOrder(got.stdout);
  }
  if (PRINTS_MAPS.test(step.argv.join(" "))) {
    expected.stdout = piecesInAnyOrder(expected.stdout);
    got.stdout = piecesInAnyOrder(got.stdout);
  }
  assert.deepEqual(got, expected, name);
  const writes = step.http
    .filter((one) => one.method !== "GET")
    .map((one) => ({
      request: `${one.method} ${one.path}${one.query === undefined ? "" : `?${one.query}`}`,
      body: one.request_body ?? null,
    }));
  assert.deepEqual(agent.writes, writes, name);
}

/** Maps are printed in any order by the reference. */
function withoutOrder(text: string): string {
  try {
    return JSON.stringify(sorted(JSON.parse(text)));
  } catch (error) {
    assert.ok(error instanceof SyntaxError);
    return text;
  }
}

function piecesInAnyOrder(text: string): string {
  return text
    .split(/,?\n|,|(?<=global) {2,}/)
    .sort()
    .join("\n");
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(sorted);
    const hasIds = items.every((item) => (item as { ID?: unknown } | null)?.ID !== undefined);
    if (!hasIds) return items;
    return items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([key, item]) => [key, sorted(item)] as const);
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)));
}
