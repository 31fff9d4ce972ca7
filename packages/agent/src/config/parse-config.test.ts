import assert from "node:assert/strict";
import test from "node:test";
import { configProblems, defaultConfig, devConfig, mergeConfig } from "./config.ts";
import { parseConfigFile } from "./parse-config.ts";

const FULL = `
name     = "n1"
data_dir = "/var/lib/drover"
realtime = false
ports { http = 5646 }
server {
  enabled          = true
  bootstrap_expect = 3
  heartbeat_grace  = "1s"
  server_join { retry_join = ["10.0.0.1", "10.0.0.2:4647"] }
}
client {
  enabled = true
  meta {
    rack = "r1"
    row  = 7
  }
  reserved { cpu = 500 }
}
consul { address = "127.0.0.1:8501" }
plugin "raw_exec" {
  config { enabled = true }
}
`;

test("a whole file is read into settings", () => {
  const parsed = parseConfigFile(FULL, "agent.hcl");
  assert.ok(parsed.ok, parsed.ok ? "" : parsed.message);
  const config = mergeConfig(defaultConfig(), parsed.layer);
  assert.equal(config.name, "n1");
  assert.equal(config.realtime, false);
  assert.deepEqual(config.ports, { http: 5646, rpc: 4647 });
  assert.equal(config.server.bootstrapExpect, 3);
  assert.equal(config.server.heartbeatGraceMs, 1000);
  assert.deepEqual(config.join, ["10.0.0.1", "10.0.0.2:4647"]);
  assert.deepEqual(config.client.meta, { rack: "r1", row: "7" });
  assert.equal(config.client.reserved.cpuShares, 500);
  assert.deepEqual(config.consul, { address: "127.0.0.1:8501", token: "" });
  assert.equal(config.rawExec.enabled, true);
  assert.deepEqual(configProblems(config), []);
});

test("how dead servers are replaced is set in the field's words", () => {
  const parsed = parseConfigFile(
    `autopilot {
  cleanup_dead_servers      = false
  dead_server_threshold     = "2m"
  server_stabilization_time = "30s"
  max_trailing_logs         = 500
}`,
    "agent.hcl",
  );
  assert.ok(parsed.ok, parsed.ok ? "" : parsed.message);
  assert.deepEqual(mergeConfig(defaultConfig(), parsed.layer).autopilot, {
    replaceDead: false,
    deadAfterMs: 120_000,
    stableMs: 30_000,
    contactMsMax: 1_000,
    trailingMax: 500,
  });
});

const BAD: [string, string, RegExp][] = [
  ["a misspelt setting", "server {\n  bootstrap_expct = 3\n}", /x\.hcl:2,.*bootstrap_expct/],
  ["an unknown block", "srever { enabled = true }", /x\.hcl:1,.*srever/],
  ["a wrong type", 'client {\n  enabled = "maybe"\n}', /x\.hcl:2,.*true or false/],
  ["a bad duration", 'server {\n  heartbeat_grace = "fast"\n}', /x\.hcl:2,.*duration/],
  ["broken syntax", "server {", /x\.hcl:/],
  ["an unknown plugin", 'plugin "nope" {}', /docker, raw_exec and mock_driver/],
];
for (const [what, source, message] of BAD) {
  test(`${what} is refused with its place`, () => {
    const parsed = parseConfigFile(source, "x.hcl");
    assert.equal(parsed.ok, false);
    assert.match(parsed.ok ? "" : parsed.message, message);
  });
}

test("an agent that is told nothing binds to loopback only", () => {
  for (const config of [defaultConfig(), devConfig()]) {
    assert.equal(config.bindAddr, "127.0.0.1");
    assert.deepEqual(config.advertise, { http: "", rpc: "" });
  }
});

test("a server that neither forms nor joins a cluster is refused", () => {
  const config = mergeConfig(defaultConfig(), { dataDir: "/tmp/x" });
  assert.match(configProblems(config).join("\n"), /-bootstrap-expect N.*-join/);
});
