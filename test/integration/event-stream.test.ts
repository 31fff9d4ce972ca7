/** The event stream at its limits: readers that do not read, here and through another agent. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { type TestAgent, TestCluster } from "../support/cluster.ts";
import { type EventLine, TestEventReader } from "../support/event-reader.ts";
import { waitUntil } from "../support/wait.ts";

const JOBS = 1_600;
const AT_ONCE = 8;
/** Makes an event of as many bytes: together more than sockets, and the server's ring, take. */
const PADDING = "x".repeat(30_000);
const STALLED_READERS = 15;
/** What the stalled readers were not sent is many times as much. */
const GROWTH_MB_MAX = 600;

test("readers that do not read are cut off, cost no memory, and hold nobody up", async (t) => {
  const cluster = await TestCluster.start({ agents: 2, clientsOnly: 1 });
  t.after(() => cluster.stop());
  const [server, outside] = cluster.agents as [TestAgent, TestAgent];
  const stalled = { server: stall(t, server), outside: stall(t, outside) };
  const quick = [server, outside].map((agent) => countingReader(t, agent));
  await waitUntil(
    () => quick.map(({ seen }) => seen.opened),
    (opened) => opened.every(Boolean),
    { timeoutMs: 5_000, what: "open streams" },
  );
  const before = [server, outside].map(rssMb);
  await registerJobs(server);
  for (const { seen } of quick) {
    await waitUntil(
      () => seen.jobs.size,
      (jobs) => jobs === JOBS,
      { timeoutMs: 20_000, what: "every job at the quick readers" },
    );
    assert.ok(seen.inOrder);
    assert.deepEqual(seen.marks, []);
  }
  [server, outside].forEach((agent, at) => {
    const growth = rssMb(agent) - (before[at] ?? 0);
    assert.ok(growth < GROWTH_MB_MAX, `${agent.name} grew by ${growth.toFixed(0)} MB`);
  });
  for (const readers of [stalled.server, stalled.outside]) await assertCutOff(readers, server);
});

/** What was sent is whole; the last line says where to go on; whoever does is told of the gap. */
async function assertCutOff(readers: readonly TestEventReader[], agent: TestAgent): Promise<void> {
  for (const reader of readers) {
    reader.resume();
    await waitUntil(
      () => reader.ended,
      (ended) => ended !== "",
      { timeoutMs: 20_000, what: "the end of a stream that was too slow" },
    );
    assert.equal(reader.ended, "whole");
    const last = reader.lines.at(-1);
    assert.match(last?.Error ?? "no message", /reader too slow/);
    const indexes = reader.lines.flatMap((line) => line.Index ?? []);
    assert.ok(indexes.length < JOBS, "it was cut off before the end");
    const resumeIndex = last?.ResumeIndex ?? 0;
    assert.ok(resumeIndex > (indexes.at(-1) ?? 0), "nothing comes twice");
    reader.lines.length = 0;
    if (reader !== readers[0]) continue;
    const again = new TestEventReader(agent.api.address, `index=${resumeIndex}`);
    const [, gap, next] = await waitUntil(
      () => again.lines,
      (lines) => lines.length > 2,
      { timeoutMs: 5_000, what: "the gap and what follows it" },
    );
    again.close();
    assert.equal(gap?.Gap?.From, resumeIndex);
    assert.ok((next?.Index ?? 0) > (gap?.Gap?.To ?? Number.NaN));
  }
}

function stall(t: TestContext, { api }: TestAgent): TestEventReader[] {
  return Array.from({ length: STALLED_READERS }, () => {
    const reader = new TestEventReader(api.address, "topic=Job", { paused: true });
    t.after(() => reader.close());
    return reader;
  });
}

function countingReader(t: TestContext, { api }: TestAgent) {
  const seen = { opened: false, jobs: new Set<string>(), inOrder: true, marks: [] as EventLine[] };
  let lastIndex = 0;
  const onLine = (line: EventLine) => {
    seen.opened = true;
    if (line.Gap || line.Error) seen.marks.push(line);
    if (line.Index === undefined) return;
    if (line.Index <= lastIndex) seen.inOrder = false;
    lastIndex = line.Index;
    for (const { Type, Key } of line.Events ?? []) if (Type === "JobRegistered") seen.jobs.add(Key);
  };
  const reader = new TestEventReader(api.address, "topic=Job", { onLine });
  t.after(() => reader.close());
  return { reader, seen };
}

async function registerJobs({ api }: TestAgent): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < JOBS) {
      const ID = `padded-${next++}`;
      const task = { Name: "t", Driver: "mock_driver", Config: { run_for: "1h" } };
      const group = { Name: "g", Count: 0, Tasks: [task] };
      const Job = { ID, Type: "service", Meta: { padding: PADDING }, TaskGroups: [group] };
      await api.put("/v1/jobs", { Job });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

function rssMb({ process }: TestAgent): number {
  const status = readFileSync(`/proc/${process?.pid ?? 0}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
}
