import assert from "node:assert/strict";
import test from "node:test";
import { RecordedAgent } from "./testing/recorded-agent.ts";
import { runRecorded } from "./testing/run-recorded.ts";

const ID = "1d869c55-c519-3bdd-d93c-8be0be7c3086";

const config = (PauseEvalBroker: boolean) => ({
  method: "GET",
  path: "/v1/operator/scheduler/configuration",
  t_ms: 0,
  status: 200,
  response_headers: { "Content-Type": "application/json", "X-Nomad-Index": "9" },
  response_body: { SchedulerConfig: { PauseEvalBroker } },
});

test("an evaluation is deleted by a request that carries its id, once the broker is paused", async (t) => {
  const agent = await RecordedAgent.start();
  t.after(() => agent.stop());
  const argv = ["eval", "delete", ID];
  const run = { argv, directory: "/nowhere", now: 0 };
  const working = await runRecorded(agent, { ...run, http: [config(false)] });
  assert.deepEqual([working.exit, working.stderr], [1, "Eval broker is not paused\n"]);
  assert.match(working.stdout, /set-config -pause-eval-broker=true"\n/);
  assert.deepEqual(agent.writes, []);

  const deleted = { ...config(true), method: "DELETE", path: "/v1/evaluations", response_body: {} };
  const paused = await runRecorded(agent, { ...run, http: [config(true), deleted] });
  assert.deepEqual(paused, {
    exit: 0,
    stdout: "Successfully deleted 1 evaluation\n",
    stderr: "",
  });
  const body = { EvalIDs: [ID], Filter: "" };
  assert.deepEqual(agent.writes, [{ request: "DELETE /v1/evaluations", body }]);
});
