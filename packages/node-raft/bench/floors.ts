/** What the disk allows without any consensus: the same entries appended and synced, in a row. */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median } from "../../../test/bench/stats.ts";

export const ENTRY_BYTES = 300;
const SAMPLES = 2_000;

export interface SyncFloor {
  readonly p50Ms: number;
  readonly perSecond: number;
}

/** One entry, one sync. */
export function syncFloor(): SyncFloor {
  const dir = mkdtempSync(join(tmpdir(), "raft-floor-"));
  const file = openSync(join(dir, "log"), "w");
  const entry = Buffer.alloc(ENTRY_BYTES, 1);
  const samples: number[] = [];
  const from = performance.now();
  for (let i = 0; i < SAMPLES; i++) {
    const at = performance.now();
    writeSync(file, entry);
    fdatasyncSync(file);
    samples.push(performance.now() - at);
  }
  const seconds = (performance.now() - from) / 1000;
  closeSync(file);
  rmSync(dir, { recursive: true });
  return { p50Ms: median(samples), perSecond: Math.round(SAMPLES / seconds) };
}
