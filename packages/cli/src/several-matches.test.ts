import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { RecordedAgent } from "./testing/recorded-agent.ts";
import { runRecorded } from "./testing/run-recorded.ts";

const IDS = ["1d869c55-c519-3bdd-d93c-8be0be7c3086", "1dff9c55-c519-3bdd-d93c-8be0be7c3086"];

let agent: RecordedAgent;
before(async () => {
  agent = await RecordedAgent.start();
});
after(() => agent.stop());

async function run(line: string, path: string) {
  const body = IDS.map((ID) => ({ ID, Name: "n", JobID: "web", Status: "ready" }));
  const list = {
    ...{ method: "GET", path, query: "prefix=1d", t_ms: 0, status: 200, response_body: body },
    response_headers: { "Content-Type": "application/json", "X-Nomad-Index": "9" },
  };
  const argv = line.split(" ");
  return await runRecorded(agent, { argv, http: [list], directory: "/nowhere", now: 0 });
}

test("who only looks is shown what a prefix may mean, who acts is refused", async () => {
  const looks = [
    ["alloc status 1d", "/v1/allocations", "allocations"],
    ["eval status 1d", "/v1/evaluations", "evaluations"],
    ["node status 1d", "/v1/nodes", "nodes"],
  ] as const;
  for (const [line, path, what] of looks) {
    const { exit, stdout, stderr } = await run(line, path);
    assert.deepEqual([exit, stderr], [0, ""], line);
    assert.match(
      stdout,
      new RegExp(`^Prefix matched multiple ${what}\n\nID .*\n1d869c55 .*\n1dff`),
    );
  }
  const acts = [
    ["alloc stop 1d", "/v1/allocations", "allocations"],
    ["node eligibility -enable 1d", "/v1/nodes", "nodes"],
    ["deployment fail 1d", "/v1/deployments", "deployments"],
    ["deployment status 1d", "/v1/deployments", "deployments"],
  ] as const;
  for (const [line, path, what] of acts) {
    const { exit, stdout, stderr } = await run(line, path);
    assert.deepEqual([exit, stdout], [1, ""], line);
    assert.match(
      stderr,
      new RegExp(`^Prefix matched multiple ${what}\n\nID .*\n1d869c55 .*\n1dff`),
    );
  }
});
