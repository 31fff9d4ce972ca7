/**
 * How long a process needs from its start until it has applied all that it had before it was
 * killed: with every entry still in the log, and with the snapshots that the defaults take.
 * `node bench/restart.bench.ts [--entries 1000000]`.
 */
import { spawnSync } from "node:child_process";
import { createReadStream, globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Figure, seconds, showFigures } from "../../../test/bench/figure.ts";
import { formProcesses, type MemberHandle, writeSomewhere } from "../src/testing/member-handle.ts";
import { ENTRY_BYTES } from "./floors.ts";

const WAIT_MS = 60_000;
const CLIENTS = 512;
const LOG_LIMIT_MS = 10_000;
const DEFAULT_LIMIT_MS = 1_000;
const NEVER = Number.MAX_SAFE_INTEGER;

const { values } = parseArgs({ options: { entries: { type: "string", default: "1000000" } } });
const entries = Number(values.entries);
const root = mkdtempSync(join(tmpdir(), "raft-bench-"));
try {
  const figures = [await wholeLog(), await defaults()];
  if (showFigures(figures) > 0) process.exitCode = 1;
} finally {
  rmSync(root, { recursive: true, force: true });
}

/** A cluster of one, so that the election that it needs is part of it. */
async function wholeLog(): Promise<Figure> {
  const dir = join(root, "log");
  const limits = { snapshotEntries: NEVER, snapshotLogBytes: NEVER };
  const [member] = await formProcesses(dir, 1, { keepItems: false, limits });
  if (member === undefined) throw new Error("no member");
  const last = await fill(member, [member]);
  await member.kill();
  const bareMs = await bareStart(dir);
  const { tookMs, openMs, handle } = await restart(member, last);
  await handle.kill();
  rmSync(dir, { recursive: true, force: true });
  return {
    name: `restart with ${entries} entries since the last snapshot`,
    measured: seconds(tookMs),
    target: `≤ ${seconds(LOG_LIMIT_MS)}`,
    floor: seconds(bareMs),
    met: tookMs <= LOG_LIMIT_MS,
    detail:
      `until all is applied again; the log was open after ${seconds(openMs)}, the rest is the ` +
      "election of a cluster of one and the applying; floor: a bare process and its files read once",
  };
}

/** A follower of three: it is told at once what is committed. */
async function defaults(): Promise<Figure> {
  const dir = join(root, "defaults");
  const members = await formProcesses(dir, 3, { keepItems: false });
  try {
    const first = await writeSomewhere(members, "first", WAIT_MS);
    if (first === "unknown") throw new Error("no leader");
    const last = await fill(first.member, members);
    const follower = members.find((member) => member !== first.member);
    if (follower === undefined) throw new Error("no follower");
    await follower.kill();
    const bareMs = await bareStart(join(dir, String(members.indexOf(follower))));
    const { tookMs, openMs, handle } = await restart(follower, last);
    members[members.indexOf(follower)] = handle;
    return {
      name: `restart with default limits after ${entries} entries`,
      measured: seconds(tookMs),
      target: `≤ ${seconds(DEFAULT_LIMIT_MS)}`,
      floor: seconds(bareMs),
      met: tookMs <= DEFAULT_LIMIT_MS,
      detail: `until all is applied again; open after ${seconds(openMs)}; floor: a bare process and its files read once`,
    };
  } finally {
    await Promise.all(members.map((member) => member.kill()));
  }
}

/** Answers the last index, which each of `members` has applied. */
async function fill(leader: MemberHandle, members: readonly MemberHandle[]): Promise<number> {
  await writeSomewhere([leader], "begin", WAIT_MS);
  const args = { work: "write", clients: CLIENTS, bytes: ENTRY_BYTES, count: entries } as const;
  await leader.call("load", args);
  const written = await writeSomewhere([leader], "end", WAIT_MS);
  if (written === "unknown") throw new Error("the last write has no known outcome");
  await Promise.all(members.map((member) => member.call("items", { last: written.index })));
  return written.index;
}

async function restart(member: MemberHandle, last: number) {
  const from = performance.now();
  const handle = await member.restart();
  const openMs = performance.now() - from;
  await handle.call("items", { last });
  return { tookMs: performance.now() - from, openMs, handle };
}

/** A process that does nothing is started, and the member's files are read once; ms. */
async function bareStart(dir: string): Promise<number> {
  const from = performance.now();
  spawnSync(process.execPath, ["-e", "0"]);
  for (const file of globSync(join(dir, "**/*.{wal,snap}"))) {
    for await (const _piece of createReadStream(file));
  }
  return performance.now() - from;
}
