/**
 * What only shows after long: memory over many proposals, and elections that nobody needed while
 * every processor is taken. Short when run with the other benches; whole with
 * `node bench/soak.bench.ts --proposals 10000000 --minutes 10`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Figure, showFigures } from "../../../test/bench/figure.ts";
import { readProcess } from "../../../test/bench/process.ts";
import { formProcesses, type MemberHandle, writeSomewhere } from "../src/testing/member-handle.ts";
import { ENTRY_BYTES } from "./floors.ts";

const WAIT_MS = 20_000;
const CLIENTS = 256;
const PARTS = 10;
/** After so many parts of the run the log and its buffers are as large as they get. */
const SETTLED = 4;
const GROWTH_LIMIT = 1.1;

const { values } = parseArgs({
  options: {
    proposals: { type: "string", default: "400000" },
    minutes: { type: "string", default: "0.5" },
  },
});
const root = mkdtempSync(join(tmpdir(), "raft-bench-"));
const members = await formProcesses(join(root, "raft"), 3, { keepItems: false });
try {
  const figures = [await memory(Number(values.proposals)), await elections(Number(values.minutes))];
  if (showFigures(figures) > 0) process.exitCode = 1;
} finally {
  await Promise.all(members.map((member) => member.kill()));
  rmSync(root, { recursive: true, force: true });
}

async function memory(proposals: number): Promise<Figure> {
  const leader = await leading();
  const largest = () => Math.max(...members.map(({ pid }) => readProcess(pid).rssMb));
  const empty = largest();
  const seen: number[] = [];
  for (let part = 0; part < PARTS; part++) {
    const count = Math.ceil(proposals / PARTS);
    await leader.call("load", { work: "write", clients: CLIENTS, bytes: ENTRY_BYTES, count });
    seen.push(largest());
  }
  const before = Math.max(...seen.slice(0, SETTLED));
  const after = Math.max(...seen.slice(SETTLED));
  return {
    name: `resident memory over ${proposals} proposals, the largest of three`,
    measured: `${after.toFixed(0)} MB`,
    target: `≤ ${GROWTH_LIMIT} × the ${before.toFixed(0)} MB of the first ${SETTLED} tenths`,
    floor: `${empty.toFixed(0)} MB`,
    met: after <= GROWTH_LIMIT * before,
    detail: `${seen.map((mb) => mb.toFixed(0)).join(", ")} MB after each tenth; floor: before them`,
  };
}

/** Writes go on, one at a time, while one busy program for each processor takes its share. */
async function elections(minutes: number): Promise<Figure> {
  const leader = await leading();
  const { term } = await leader.call("status", null);
  const busy = Array.from({ length: availableParallelism() }, spin);
  let seconds = 0;
  try {
    const args = { work: "write", clients: 1, bytes: ENTRY_BYTES, ms: minutes * 60_000 } as const;
    ({ seconds } = await leader.call("load", args));
  } finally {
    for (const child of busy) child.kill("SIGKILL");
  }
  const terms = await Promise.all(members.map((member) => member.call("status", null)));
  const more = Math.max(...terms.map((status) => status.term)) - term;
  return {
    name: `elections that nobody needed, every processor busy for ${seconds.toFixed(0)} s`,
    measured: String(more),
    target: "0",
    floor: "0",
    met: more === 0,
    detail: `term ${term} at first; ${busy.length} programs that do nothing but count`,
  };
}

function spin(): ChildProcess {
  return spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" });
}

async function leading(): Promise<MemberHandle> {
  const written = await writeSomewhere(members, "who leads", WAIT_MS);
  if (written === "unknown") throw new Error("no leader");
  return written.member;
}
