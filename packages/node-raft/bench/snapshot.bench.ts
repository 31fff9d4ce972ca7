/**
 * How late the leader's event loop is while it writes a large snapshot and commits go on.
 * `node bench/snapshot.bench.ts [--megabytes 500]`.
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ms, seconds, showFigures } from "../../../test/bench/figure.ts";
import { formProcesses, type MemberHandle, writeSomewhere } from "../src/testing/member-handle.ts";
import { ENTRY_BYTES } from "./floors.ts";

const WAIT_MS = 10_000;
const CLIENTS = 16;
const P99_LIMIT_MS = 50;
const MAX_LIMIT_MS = 200;
const PIECE = new Uint8Array(256 << 10).fill(1);
const CALM_MS = 2_000;

const { values } = parseArgs({ options: { megabytes: { type: "string", default: "500" } } });
const snapshotBytes = Number(values.megabytes) << 20;
const root = mkdtempSync(join(tmpdir(), "raft-bench-"));
const members = await formProcesses(join(root, "raft"), 3, { keepItems: false, snapshotBytes });
try {
  const first = await writeSomewhere(members, "first", WAIT_MS);
  if (first === "unknown") throw new Error("no leader");
  const calm = await load(first.member, CALM_MS);
  const from = performance.now();
  let taken = false;
  const snapshot = first.member.call("snapshot", null).finally(() => {
    taken = true;
  });
  let p99 = 0;
  let worst = 0;
  // In slices, so that what is measured ends with the snapshot.
  while (!taken) {
    const { delayP99Ms, delayMaxMs } = await load(first.member, 500);
    p99 = Math.max(p99, delayP99Ms);
    worst = Math.max(worst, delayMaxMs);
  }
  await snapshot;
  const tookMs = performance.now() - from;
  const missed = showFigures([
    {
      name: `event-loop delay during a snapshot of ${values.megabytes} MB under load`,
      measured: `p99 ${ms(p99)}, max ${ms(worst)}`,
      target: `p99 ≤ ${P99_LIMIT_MS} ms, max ≤ ${MAX_LIMIT_MS} ms`,
      floor: `p99 ${ms(calm.delayP99Ms)}, max ${ms(calm.delayMaxMs)}`,
      met: p99 <= P99_LIMIT_MS && worst <= MAX_LIMIT_MS,
      detail:
        `the worst half second of ${seconds(tookMs)}, ${CLIENTS} clients writing; floor: the same ` +
        `load without it; as many bytes written and synced alone: ${seconds(bareWrite())}`,
    },
  ]);
  if (missed > 0) process.exitCode = 1;
} finally {
  await Promise.all(members.map((member) => member.kill()));
  rmSync(root, { recursive: true, force: true });
}

function load(member: MemberHandle, forMs: number) {
  const args = { work: "write", clients: CLIENTS, bytes: ENTRY_BYTES, ms: forMs } as const;
  return member.call("load", args);
}

function bareWrite(): number {
  const file = openSync(join(root, "bare"), "w");
  const from = performance.now();
  for (let at = 0; at < snapshotBytes; at += PIECE.byteLength) writeSync(file, PIECE);
  fdatasyncSync(file);
  closeSync(file);
  return performance.now() - from;
}
