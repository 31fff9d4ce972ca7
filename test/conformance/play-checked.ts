/** Which timelines a run plays, and whether what was seen is what is expected. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Played } from "../support/timeline-player.ts";
import { complaintsOf, type Difference, type DifferencesFile } from "./differences.ts";

export const DIFFERENCES = JSON.parse(
  readFileSync(join(import.meta.dirname, "timeline-differences.json"), "utf8"),
) as DifferencesFile;

/** Of these scenarios those that DROVER_TIMELINES names, or all. */
export function chosen(names: readonly string[]): readonly string[] {
  const named = (process.env.DROVER_TIMELINES ?? "").split(",").filter((name) => name !== "");
  return names.filter((name) => named.length === 0 || named.includes(name));
}

type PlayThese = (folders: readonly string[], parallel: number) => Promise<Played>;

export interface CheckOptions {
  /** So many at once. */
  readonly parallel: number;
  /** Differences that stand in for those of the file. */
  readonly overrides?: DifferencesFile["docker"];
}

/** At once when played again, and when played for the last time. */
const CALMER: readonly number[] = [3, 1];

/**
 * Fails unless each scenario shows what is expected. A recorded moment (pending or running
 * already?) can be missed on a machine that is busy with other work, so suspects are played again,
 * in more and more peace; a broken rule is missed every time.
 */
export async function playChecked(
  folders: readonly string[],
  playThese: PlayThese,
  options: CheckOptions,
): Promise<void> {
  let complaints = await complaintsAbout(folders, playThese, options);
  for (const calm of CALMER) {
    if (complaints.length === 0) return;
    const names = new Set(complaints.map(({ scenario }) => scenario));
    const again = folders.filter((folder) => names.has(basename(folder)));
    console.log(`played again: ${[...names].join(", ")}`);
    const parallel = Math.min(calm, options.parallel);
    complaints = await complaintsAbout(again, playThese, { ...options, parallel });
  }
  assert.deepEqual(complaints, []);
}

async function complaintsAbout(
  folders: readonly string[],
  playThese: PlayThese,
  { overrides = {}, parallel }: CheckOptions,
) {
  const names = folders.map((folder) => basename(folder));
  const played = await playThese(folders, parallel);
  assert.equal(played.scenarios, names.length, played.output);
  const differences: Record<string, Record<string, Difference>> = {};
  for (const name of names) {
    const here = Object.entries({ ...DIFFERENCES.scenarios[name], ...overrides[name] });
    differences[name] = Object.fromEntries(here.filter((entry) => entry[1] !== null)) as never;
  }
  return complaintsOf(differences, names, played.misses);
}
