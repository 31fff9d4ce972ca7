/** Wrong job files: text and exit code over every recorded one that needs no agent. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { RecordedAgent } from "./testing/recorded-agent.ts";
import { haveRecordings, JOBSPEC_RECORDINGS } from "./testing/recordings.ts";
import { runRecorded } from "./testing/run-recorded.ts";

const ERRORS = join(JOBSPEC_RECORDINGS, "errors");
const skip = haveRecordings ? false : `no recordings at ${ERRORS}`;

/** Texts of a run name its directory as the recordings do. */
const named = (text: string) => text.replaceAll("/opt/jobs", "<dir>");

/** The words of a help text are our own. */
const usage = (text: string) => (text.startsWith("Usage: ") ? text.split("\n")[0] : text);

interface RecordedError {
  readonly argv: readonly string[];
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly needs_server?: boolean;
  /** Its lines come in any order; "content": some of them only sometimes. */
  readonly varies?: string;
}

test("every recorded job file that is wrong is refused in the recorded words", {
  skip,
}, async (t) => {
  const agent = await RecordedAgent.start();
  t.after(() => agent.stop());
  for (const file of readdirSync(ERRORS).filter((name) => name.endsWith(".txt"))) {
    const recorded = JSON.parse(readFileSync(join(ERRORS, file), "utf8")) as RecordedError;
    const { argv, env = {}, varies } = recorded;
    const isUnreachable = file.includes("no-server");
    if (recorded.needs_server || isUnreachable || varies === "content") continue;
    const run = { argv, env, http: [], directory: ERRORS, now: 0 };
    const result = await runRecorded(agent, run);
    assert.deepEqual(agent.unexpected, [], file);
    const lines = (text: string) => (varies === "order" ? text.split("\n").sort() : text);
    assert.deepEqual(
      { exit: result.exit, stdout: usage(result.stdout), stderr: lines(named(result.stderr)) },
      { exit: recorded.exit, stdout: usage(recorded.stdout), stderr: lines(recorded.stderr) },
      file,
    );
  }
});
