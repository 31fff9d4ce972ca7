/** `job plan` and `job history` over every recorded answer: how each kind of change is shown. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { parseExact } from "./exact-json.ts";
import { RecordedAgent } from "./testing/recorded-agent.ts";
import { type Exchange, haveRecordings, JOBSPEC_RECORDINGS } from "./testing/recordings.ts";
import { runRecorded } from "./testing/run-recorded.ts";

const PLANS = join(JOBSPEC_RECORDINGS, "plan");
const HISTORIES = join(JOBSPEC_RECORDINGS, "history");
const skip = haveRecordings ? false : `no recordings at ${PLANS}`;

process.env.TZ = "UTC";
/** Stands where the recording has a mark. */
const LAUNCH = "2030-01-01T00:15:00Z";

/** Instants, and durations until them, that differ with the moment. */
const MOMENTS: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, "<time>"],
  [/\((?:\d+[dhms])+ from now\)/g, "(<duration> from now)"],
];

test("every recorded plan is shown as recorded", { skip }, async (t) => {
  const agent = await RecordedAgent.start();
  t.after(() => agent.stop());
  for (const name of readdirSync(PLANS).sort()) {
    const directory = join(PLANS, name);
    const read = (file: string) => readFileSync(join(directory, file), "utf8");
    const { argv } = JSON.parse(read("case.json")) as { argv: string[] };
    const answer = parseExact(read("plan.json").replace('"<time>"', `"${LAUNCH}"`)) as unknown as {
      Diff: { ID: string };
    };
    const http = [answered("PUT", `/v1/job/${answer.Diff.ID}/plan`, answer)];
    const run = { argv, http, directory, now: Date.parse(LAUNCH) - 60_000 };
    const result = await runRecorded(agent, run);
    assert.deepEqual(agent.unexpected, [], name);
    const text = withoutMoments(result.stdout + result.stderr).replace(
      /(Job Modify Index: |-check-index )\d+/g,
      "$1<index>",
    );
    assert.equal(text.trimEnd(), read("plan.txt").trimEnd(), name);
    assert.equal(result.exit, Number(read("exit")), `${name}: exit code`);
  }
});

test("every recorded history is shown as recorded", { skip }, async (t) => {
  const agent = await RecordedAgent.start();
  t.after(() => agent.stop());
  for (const name of readdirSync(HISTORIES).sort()) {
    const read = (file: string) => readFileSync(join(HISTORIES, name, file), "utf8");
    const steps = JSON.parse(read("steps.json")) as { argv?: string[]; file?: string }[];
    for (const { argv, file } of steps) {
      // Differences to one version are answers of their own, which were not kept.
      if (!argv || file === undefined || argv.some((word) => word.startsWith("-diff-"))) continue;
      const id = argv.at(-1) as string;
      const diffs = argv.includes("-p");
      const answer = parseExact(read("versions.json")) as Record<string, unknown>;
      const http = [
        answered("GET", "/v1/jobs", [{ ID: id, Namespace: "default" }], `per_page=20&prefix=${id}`),
        answered(
          "GET",
          `/v1/job/${id}/versions`,
          { ...answer, Diffs: diffs ? answer.Diffs : null },
          `diffs=${diffs}&namespace=default`,
        ),
      ];
      const result = await runRecorded(agent, { argv, http, directory: HISTORIES, now: 0 });
      assert.deepEqual(agent.unexpected, [], name);
      const text = withoutMoments(result.stdout + result.stderr);
      assert.equal(text.trimEnd(), read(file).trimEnd(), `${name}: ${argv.join(" ")}`);
    }
  }
});

function withoutMoments(text: string): string {
  return MOMENTS.reduce((all, [pattern, mark]) => all.replace(pattern, mark), text);
}

function answered(method: string, path: string, body: unknown, query?: string): Exchange {
  return {
    method,
    path,
    ...(query === undefined ? {} : { query }),
    t_ms: 0,
    status: 200,
    response_headers: { "Content-Type": "application/json" },
    response_body: body,
  };
}
