/**
 * Any machine's API answers for the whole cluster: a follower, a machine outside Raft, a machine
 * that does not run the task it is asked about; also after the server it used has died.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { AllocDoc, DeploymentDoc } from "../support/api.ts";
import { type TestAgent, TestCluster } from "../support/cluster.ts";
import { waitUntil } from "../support/wait.ts";

const JOB = `job "spread" {
  group "g" {
    count = 4
    constraint {
      operator = "distinct_hosts"
      value    = "true"
    }
    update {
      max_parallel     = 4
      min_healthy_time = "0s"
    }
    task "t" {
      driver = "raw_exec"
      config {
        command = "/bin/sh"
        args    = ["-c", "echo I am $NOMAD_ALLOC_ID; exec sleep 3600"]
      }
      resources {
        cpu    = 20
        memory = 20
      }
    }
  }
}
`;

let cluster: TestCluster;
let outside: TestAgent;

before(async () => {
  cluster = await TestCluster.start({ agents: 4, clientsOnly: 1 });
  const last = cluster.agents.at(-1);
  assert.ok(last);
  outside = last;
});
after(async () => {
  await outside.api.delete("/v1/job/spread?purge=true");
  await waitUntil(
    () => outside.api.get<AllocDoc[]>("/v1/allocations"),
    (list) => list.length === 0,
    { timeoutMs: 15_000, what: "the allocations to be gone" },
  );
  await Promise.all(cluster.alive.map((agent) => nothingRuns(agent)));
  await cluster.stop();
});

async function nothingRuns(agent: TestAgent): Promise<void> {
  await waitUntil(
    () => agent.api.get<{ stats: { client: { num_allocations: string } } }>("/v1/agent/self"),
    (self) => self.stats.client.num_allocations === "0",
    { timeoutMs: 15_000, what: `${agent.name} to have stopped its tasks` },
  );
}

test("all machines name the same leader, the one outside Raft too", async () => {
  const leader = await cluster.leader();
  assert.notEqual(leader, outside);
  const members = await outside.api.get<{ Members: { Name: string }[] }>("/v1/agent/members");
  assert.deepEqual(
    members.Members.map((member) => member.Name),
    ["n1.global", "n2.global", "n3.global"],
  );
});

test("a job that is registered outside Raft is the same on every machine", async () => {
  const { JobModifyIndex } = await outside.api.run(JOB);
  await waitUntil(
    () => outside.api.get<DeploymentDoc | null>("/v1/job/spread/deployment"),
    (deployment) => deployment?.Status === "successful",
    { timeoutMs: 20_000, what: "the deployment, as seen from outside Raft" },
  );
  const answers = await Promise.all(
    cluster.agents.map((agent) => agent.api.get<{ JobModifyIndex: number }>("/v1/job/spread")),
  );
  for (const answer of answers) {
    assert.deepEqual(answer, answers[0]);
    assert.equal(answer.JobModifyIndex, JobModifyIndex);
  }
});

test("a write that reaches a follower is done once, by the leader", async () => {
  const leader = await cluster.leader();
  const follower = cluster.agents.find((agent) => agent !== leader && agent !== outside);
  assert.ok(follower);
  const path = "/v1/job/spread/evaluate?idempotency_token=once";
  const first = await follower.api.put<{ EvalID: string }>(path, { JobID: "spread" });
  const again = await outside.api.put<{ EvalID: string }>(path, { JobID: "spread" });
  assert.equal(again.EvalID, first.EvalID);
});

test("any machine shows the logs of any task", async () => {
  const allocs = await outside.api.get<AllocDoc[]>("/v1/job/spread/allocations");
  assert.equal(new Set(allocs.map((alloc) => alloc.NodeName)).size, 4);
  for (const agent of cluster.agents) {
    for (const alloc of allocs) {
      const path = `/v1/client/fs/logs/${alloc.ID}?task=t&type=stdout&plain=true`;
      const reply = await agent.api.request("GET", path);
      assert.equal(reply.text, `I am ${alloc.ID}\n`, `${agent.name} asked for ${alloc.NodeName}'s`);
    }
  }
});

test("an error of the machine that owns the task arrives as its own status", async () => {
  const [alloc] = await outside.api.get<AllocDoc[]>("/v1/job/spread/allocations");
  for (const agent of cluster.agents) {
    const path = `/v1/client/fs/logs/${alloc?.ID}?task=nope&type=stdout`;
    const reply = await agent.api.request("GET", path);
    assert.equal(reply.status, 400);
    assert.equal(reply.text, 'unknown task name "nope"');
  }
});

interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Sends `input` and its end, and collects what the program answers until the socket closes. */
function exec(
  agent: TestAgent,
  allocId: string,
  command: readonly string[],
  input: string,
  task = "t",
): Promise<ExecResult | { readonly code: number; readonly reason: string }> {
  const query = new URLSearchParams({ task, command: JSON.stringify(command), tty: "false" });
  const path = `/v1/client/allocation/${allocId}/exec?${query}`;
  const socket = new WebSocket(`ws://${agent.host}:4646${path}`);
  const text = { stdout: "", stderr: "" };
  return new Promise((resolve) => {
    socket.onopen = () => {
      const data = Buffer.from(input).toString("base64");
      socket.send(JSON.stringify({ stdin: { data } }));
      socket.send(JSON.stringify({ stdin: { close: true } }));
    };
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(String(data));
      for (const name of ["stdout", "stderr"] as const) {
        text[name] += Buffer.from(frame[name]?.data ?? "", "base64").toString();
      }
      if (!frame.exited) return;
      resolve({ ...text, exitCode: frame.result.exit_code ?? 0 });
      socket.close();
    };
    socket.onclose = ({ code, reason }) => resolve({ code, reason });
  });
}

test("any machine runs a program inside any task", async () => {
  const allocs = await outside.api.get<AllocDoc[]>("/v1/job/spread/allocations");
  const command = ["/bin/sh", "-c", "cat; echo problem >&2; exit 4"];
  for (const agent of cluster.agents) {
    for (const alloc of allocs) {
      const input = `from ${agent.name} to ${alloc.NodeName}`;
      const result = await exec(agent, alloc.ID, command, input);
      assert.deepEqual(result, { stdout: input, stderr: "problem\n", exitCode: 4 });
    }
  }
});

test("an exec that cannot start closes the socket with the reason", async () => {
  const [alloc] = await outside.api.get<AllocDoc[]>("/v1/job/spread/allocations");
  const nobody = "ffffffff-ffff-ffff-ffff-ffffffffffff";
  for (const agent of cluster.agents) {
    assert.deepEqual(await exec(agent, nobody, ["/bin/true"], ""), {
      code: 1008,
      reason: `Unknown allocation "${nobody}"`,
    });
    assert.deepEqual(await exec(agent, alloc?.ID ?? "", ["/bin/true"], "", "nope"), {
      code: 1008,
      reason: 'unknown task name "nope"',
    });
  }
});

test("a frame that is no JSON ends the exec and nothing else", async () => {
  const allocs = await outside.api.get<AllocDoc[]>("/v1/job/spread/allocations");
  const query = new URLSearchParams({ task: "t", command: '["/bin/cat"]' });
  for (const alloc of allocs) {
    const path = `/v1/client/allocation/${alloc.ID}/exec?${query}`;
    const socket = new WebSocket(`ws://${outside.host}:4646${path}`);
    socket.onopen = () => socket.send("no JSON");
    const code = await new Promise((resolve) => {
      socket.onclose = (event) => resolve(event.code);
    });
    assert.equal(code, 1011);
  }
  for (const agent of cluster.agents) await agent.api.get("/v1/agent/self");
});

test("a held query through another machine wakes with the change", async () => {
  const { index } = await outside.api.request("GET", "/v1/jobs");
  const held = outside.api.request("GET", `/v1/jobs?index=${index}&wait=20s`);
  const JobHCL = JOB.replace('"spread"', '"second"').replace("count = 4", "count = 0");
  await cluster.agents[0]?.api.run(JobHCL);
  const woken = await held;
  assert.ok(woken.index > index);
  assert.ok((woken.json as { ID: string }[]).some((stub) => stub.ID === "second"));
  await cluster.agents[0]?.api.delete("/v1/job/second?purge=true");
});

test("the machine outside Raft goes on with another server when one dies", async () => {
  const [first] = cluster.agents;
  assert.ok(first);
  await cluster.kill(first);
  const reply = await outside.api.request("GET", "/v1/job/spread");
  assert.equal(reply.status, 200, reply.text);
  const path = "/v1/job/spread/evaluate";
  const written = await outside.api.request("PUT", path, { JobID: "spread" });
  assert.equal(written.status, 200, written.text);
  cluster.boot(first);
  await cluster.ready(4);
});
