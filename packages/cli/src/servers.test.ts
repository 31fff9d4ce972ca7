/** What the lists of servers say of an upgrade under way, and of a server in quarantine. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { RecordedAgent } from "./testing/recorded-agent.ts";
import type { Exchange } from "./testing/recordings.ts";
import { runRecorded } from "./testing/run-recorded.ts";

const answer = (path: string, query: string, body: unknown): Exchange => ({
  ...{ method: "GET", path, query, t_ms: 0, status: 200, response_body: body },
  response_headers: { "Content-Type": "application/json", "X-Nomad-Index": "9" },
});

let agent: RecordedAgent;
before(async () => {
  agent = await RecordedAgent.start();
});
after(() => agent.stop());

async function run(argv: readonly string[], http: readonly Exchange[]): Promise<string> {
  const { exit, stdout, stderr } = await runRecorded(agent, {
    argv,
    http,
    directory: "/nowhere",
    now: 0,
  });
  assert.equal(exit, 0, `${stderr} ${agent.unexpected.join(" ")}`);
  return stdout;
}

test("the list of peers names those that an upgrade waits for", async () => {
  const peers = (FeatureLevel: number, levels: readonly number[]) =>
    answer("/v1/operator/raft/configuration", "", {
      FeatureLevel,
      Servers: levels.map((NewestFeatureLevel, i) => {
        return { Node: `n${i + 1}.global`, ID: `${i}`, Address: "a:1", NewestFeatureLevel };
      }),
    });
  const list = ["operator", "raft", "list-peers"];
  const mixed = await run(list, [peers(4, [5, 4, 4])]);
  assert.match(
    mixed,
    /\n\nFeature level 4, and 5 once these are upgraded: n2\.global, n3\.global\n$/,
  );
  assert.match(await run(list, [peers(0, [4, 1])]), /Feature level 0, and 4 once .*: n2\.global/);
  assert.doesNotMatch(await run(list, [peers(5, [5, 5])]), /Feature level/);
});

test("a server in quarantine is shown as such, with what to do", async () => {
  const member = (name: string, more: Record<string, string> = {}) => {
    const Tags = { port: "4647", region: "global", ...more };
    return { Name: `${name}.global`, Addr: "10.0.0.1", Status: "alive", Tags };
  };
  const quarantine = "in quarantine: this member's state is not the majority's";
  const stdout = await run(
    ["server", "members"],
    [
      answer("/v1/agent/members", "", { Members: [member("a"), member("b", { quarantine })] }),
      answer("/v1/status/leader", "region=global", "10.0.0.1:4647"),
      answer("/v1/agent/self", "", { config: { UI: { ShowCLIHints: false } } }),
    ],
  );
  assert.match(stdout, /^a\.global +10\.0\.0\.1 .* alive /m);
  assert.match(stdout, /^b\.global +10\.0\.0\.1 .* quarantined /m);
  assert.match(
    stdout,
    /^b\.global is in quarantine: this member's state is not the majority's\.$/m,
  );
});
