/** An agent runs ahead of ordinary programs, and what it starts does not (ADR 0007). */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import type { AllocDoc } from "../support/api.ts";
import { type TestAgent, TestCluster } from "../support/cluster.ts";
import { waitUntil } from "../support/wait.ts";

const ORDINARY = 0;
const ROUND_ROBIN = 2;
/** The place of the scheduling policy in /proc/PID/stat (proc(5)), counted from one. */
const POLICY_FIELD = 41;

const JOB = `
job "asks" {
  group "one" {
    task "policy" {
      driver = "raw_exec"
      config {
        command = "/bin/sh"
        args    = ["-c", "cut -d' ' -f${POLICY_FIELD} /proc/self/stat; exec sleep 300"]
      }
    }
  }
}
`;

function mayTakePriority(): boolean {
  try {
    execFileSync("chrt", ["--rr", "1", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Of the agent's main thread. */
function policyOf(agent: TestAgent): number {
  const stat = readFileSync(`/proc/${agent.process?.pid}/stat`, "utf8");
  // The name in brackets may hold spaces; it is the second field.
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[POLICY_FIELD - 3]);
}

/** A new agent, and what a task of it says its own policy is. */
async function agentWithTask(t: TestContext, extra: string) {
  const cluster = await TestCluster.start({ agents: 1, extra });
  t.after(() => cluster.stop());
  const [agent] = cluster.agents;
  assert.ok(agent);
  if (extra === "") {
    await waitUntil(
      () => policyOf(agent),
      (policy) => policy === ROUND_ROBIN,
      { timeoutMs: 10_000, what: "the agent under round robin" },
    );
  }
  const job = await agent.api.put("/v1/jobs/parse", { JobHCL: JOB });
  await agent.api.put("/v1/jobs", { Job: job });
  const taskPolicy = await waitUntil(
    async () => {
      const [alloc] = await agent.api.get<AllocDoc[]>("/v1/job/asks/allocations");
      if (alloc?.ClientStatus !== "running") return "";
      const path = `/v1/client/fs/logs/${alloc.ID}?task=policy&type=stdout&plain=true`;
      return (await agent.api.request("GET", path)).text;
    },
    (text) => text !== "",
    { timeoutMs: 20_000, what: "the task's word on its policy" },
  );
  return { agent, taskPolicy: Number(taskPolicy) };
}

const reason = mayTakePriority() ? false : "no right to real-time priority here, or no chrt";

test("an agent takes priority, its tasks do not inherit it", { skip: reason }, async (t) => {
  const { agent, taskPolicy } = await agentWithTask(t, "");
  assert.equal(policyOf(agent), ROUND_ROBIN);
  assert.equal(taskPolicy, ORDINARY);
});

test("realtime = false leaves the agent an ordinary program", async (t) => {
  const { agent, taskPolicy } = await agentWithTask(t, "realtime = false");
  assert.equal(policyOf(agent), ORDINARY);
  assert.equal(taskPolicy, ORDINARY);
});
