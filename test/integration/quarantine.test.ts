/**
 * A server whose log says something else than the others', as bytes that changed in its memory
 * before they were written: nobody is told, and its state comes to differ. It finds out by itself,
 * serves nothing more, says what to do; and when that is done it is a server like any other.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { decodeMessage, encodeMessage } from "@drover/wire";
import { EntryKind, openLocalStorage } from "@raft/node-raft";
import { nodeVfs } from "@raft/node-raft/sim";
import { type TestAgent, TestCluster } from "../support/cluster.ts";
import { waitUntil } from "../support/wait.ts";

const PROGRAM = join(import.meta.dirname, "../../packages/cli/bin/drover");
const WAIT = { timeoutMs: 30_000 };

let cluster: TestCluster;
let written = 0;

before(async () => {
  cluster = await TestCluster.start({ agents: 3 });
});
after(() => cluster.stop());

/** Jobs enough for a checkpoint more, whatever came before. */
async function write(through: TestAgent): Promise<string> {
  for (let i = 0; i < 30; i += 1) {
    written += 1;
    await through.api.run(`
      job "j${written}" {
        group "g" {
          task "t" {
            driver = "mock_driver"
            config { run_for = "1h" }
          }
        }
      }`);
  }
  return `j${written}`;
}

/** The last registration in its log gets another priority. */
async function tamper(agent: TestAgent): Promise<void> {
  const storage = openLocalStorage(nodeVfs, { dataDir: join(agent.dir, "raft") });
  const { entries, hardState } = await storage.open(() => "");
  const commandOf = (data: Uint8Array) => decodeMessage(data) as { tag: number; job: object };
  const at = entries.findLastIndex((one) => {
    return one.kind === EntryKind.normal && commandOf(one.data).tag === 1;
  });
  assert.ok(at >= 0, "there is a registration in the log");
  const rest = entries.slice(at).map((entry, i) => {
    if (i > 0) return entry;
    const command = commandOf(entry.data);
    const changed = { ...command, job: { ...command.job, priority: 77 } };
    return { ...entry, data: new Uint8Array(encodeMessage(changed)) };
  });
  await new Promise<void>((resolve) => {
    storage.append({ hardState, entries: rest, mark: null }, resolve);
  });
  await storage.close();
}

interface Health {
  readonly server: { readonly ok: boolean; readonly message: string };
}

async function serverHealth(agent: TestAgent): Promise<Health["server"]> {
  const { json } = await agent.api.request("GET", "/v1/agent/health?type=server");
  return (json as Health).server;
}

test("a server whose state differs serves nothing, until it begins anew", async () => {
  const leader = await cluster.leader();
  const [victim, other] = cluster.agents.filter((agent) => agent !== leader);
  assert.ok(victim !== undefined && other !== undefined);
  await write(leader);
  await cluster.terminate(victim);
  await tamper(victim);
  cluster.boot(victim);
  await waitUntil(
    () => serverHealth(victim).catch(String),
    (one) => typeof one !== "string",
    {
      ...WAIT,
      what: "the victim's answers",
    },
  );
  await write(leader);
  const health = await waitUntil(
    () => serverHealth(victim),
    (one) => /^in quarantine/.test(one.message),
    { ...WAIT, what: "the quarantine" },
  );
  assert.equal(health.ok, false);
  assert.match(health.message, /first seen (at index|between index) \d+.*move its data directory/);
  for (const agent of [leader, other]) {
    assert.deepEqual(await serverHealth(agent), { ok: true, message: "ok" }, agent.name);
  }
  // Whoever asks it is answered from another server's state, and it takes no session.
  const last = await write(other);
  const job = await victim.api.get<{ Priority: number }>(`/v1/job/${last}?stale`);
  assert.equal(job.Priority, 50);
  await cluster.ready(3);

  const env = { ...process.env, NOMAD_ADDR: `http://${leader.host}:4646` };
  const said = spawnSync(PROGRAM, ["server", "members"], { encoding: "utf8", env });
  assert.equal(said.status, 0, said.stderr);
  assert.match(said.stdout, new RegExp(`^${victim.name}\\.global .* quarantined `, "m"));
  assert.match(said.stdout, new RegExp(`^${victim.name}\\.global is in quarantine: `, "m"));

  await cluster.terminate(victim);
  cluster.boot(victim);
  await waitUntil(
    () => serverHealth(victim).catch(String),
    (one) => typeof one !== "string" && one.message === health.message,
    { ...WAIT, what: "the quarantine after a restart" },
  );

  await cluster.terminate(victim);
  rmSync(victim.dir, { recursive: true });
  mkdirSync(victim.dir);
  cluster.boot(victim);
  await waitUntil(
    () => serverHealth(victim).catch(String),
    (one) => typeof one !== "string" && one.ok,
    { ...WAIT, what: "the machine as a server again" },
  );
  await write(victim);
  assert.deepEqual(await serverHealth(victim), { ok: true, message: "ok" });
});
