/**
 * Commits per second of three processes on this machine, with real syncs, clients inside the
 * leader's process; then leader kill → next acknowledged write. `node bench/commit.bench.ts
 * [seconds] [kills]`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formProcesses, writeSomewhere } from "../src/testing/member-handle.ts";

const seconds = Number(process.argv[2] ?? 5);
const kills = Number(process.argv[3] ?? 10);

const root = mkdtempSync(join(tmpdir(), "raft-bench-"));
let members = await formProcesses(root, 3, { keepItems: false });
try {
  await throughput();
  await failover();
} finally {
  await Promise.all(members.map((member) => member.kill()));
  rmSync(root, { recursive: true, force: true });
}

async function throughput(): Promise<void> {
  const first = await writeSomewhere(members, "warm", 10_000);
  if (first === "unknown") throw new Error("no leader");
  for (const clients of [1, 16, 64, 256]) {
    const args = { clients, bytes: 288, ms: seconds * 1000 };
    const { commits, seconds: took, p50Ms, p99Ms } = await first.member.call("load", args);
    const rate = Math.round(commits / took);
    const latency = `p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`;
    console.log(`${clients} clients: ${rate} commits/s, ${latency}`);
  }
}

async function failover(): Promise<void> {
  const gaps: number[] = [];
  for (let i = 0; i < kills; i += 1) {
    const before = await writeSomewhere(members, `before ${i}`, 10_000);
    if (before === "unknown") continue;
    // Every follower is to be connected and heard of before its leader dies.
    await Promise.all(members.map((member) => member.call("items", { last: before.index })));
    const rest = members.filter((member) => member !== before.member);
    const killedAt = performance.now();
    const gone = before.member.kill();
    await writeSomewhere(rest, `after ${i}`, 10_000);
    gaps.push(performance.now() - killedAt);
    await gone;
    members = [...rest, await before.member.restart()];
  }
  gaps.sort((a, b) => a - b);
  const list = gaps.map((gap) => Math.round(gap)).join(" ");
  console.log(`leader kill to next acknowledged write, ms: ${list}`);
}
