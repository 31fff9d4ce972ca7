/**
 * Logs of every version of the commands replay to the state that they made when they were recorded
 * (RAFT.md §4.4). Servers of different programs compare that state with each other, so another hash
 * here is a server in quarantine there: what changes needs a version of its own. `UPDATE=1` records
 * what is missing, and never what is there.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { COMMAND_VERSION, commandVersionAt, FEATURE_LEVELS } from "@drover/state";
import { decodeMessage } from "@drover/wire";
import { asVersion, play, readLog, replay, writeLog } from "./record.ts";

const VERSIONS = Array.from({ length: COMMAND_VERSION }, (_, i) => i + 1);

const fileOf = (version: number) => join(import.meta.dirname, `v${version}.entries`);

for (const version of VERSIONS) {
  test(`a log of version ${version} makes what it made`, async () => {
    const file = fileOf(version);
    if (process.env.UPDATE === "1" && !existsSync(file)) {
      writeFileSync(file, writeLog(await play(version)));
    }
    const { entries, ...made } = readLog(readFileSync(file, "utf8"));
    assert.ok(entries.length > 50, `${entries.length} entries`);
    const tags = new Set<number>();
    for (const { data } of entries) {
      const { tag, v } = decodeMessage(data) as { tag: number; v: number };
      assert.equal(v, version);
      tags.add(tag);
    }
    for (const tag of [1, 5, 6, 7, 9, 12, 14, 15]) assert.ok(tags.has(tag), `command ${tag}`);
    assert.deepEqual(replay(entries), made);
  });
}

test("what a version means shows in its log", () => {
  for (const version of VERSIONS.slice(0, -1)) {
    const { entries, chain } = readLog(readFileSync(fileOf(version), "utf8"));
    // Of each step; the end may be the same.
    const { chain: other } = replay(asVersion(entries, version + 1));
    assert.notEqual(other, chain, `version ${version} and the next`);
  }
});

test("an entry of a version that is not known stops the server", () => {
  const { entries } = readLog(readFileSync(fileOf(COMMAND_VERSION), "utf8"));
  const newer = asVersion(entries.slice(0, 1), COMMAND_VERSION + 1);
  assert.throws(() => replay(newer), new RegExp(`this program knows ${COMMAND_VERSION}`));
});

test("what is proposed is what all servers know", () => {
  assert.deepEqual(FEATURE_LEVELS.max, COMMAND_VERSION);
  // Programs without levels proposed version 4, and are in such clusters still.
  assert.deepEqual([0, 4, 5, 6].map(commandVersionAt), [4, 4, 5, 6]);
});
