/**
 * The interaction scripts of etcd-io/raft (`../shared/conformance/etcd-raft/testdata`, beside the
 * checkout), step by step: roles, terms, votes, commits, logs, progress and every message. A step
 * that differs stands in interaction-differences.txt with its reason (UPDATE=1 writes the lines,
 * the reason is written by hand), a script that is not played stands here with its own.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { conformanceFolder, readBlocks } from "./datadriven.ts";
import { Interaction } from "./interaction.ts";
import { differingLines, parseDifferences, writeDifferences } from "./interaction-differences.ts";
import { comparable } from "./interaction-text.ts";

/** By the reason, which CONFORMANCE.md explains. */
const NOT_PLAYED: ReadonlyMap<string, RegExp> = new Map([
  ["membership", /^confchange_/],
  ["forget-leader", /^forget_leader/],
]);

const DIFFERENCES = join(import.meta.dirname, "interaction-differences.txt");
const TABLE = join(import.meta.dirname, "../../CONFORMANCE.md");

interface Played {
  /** Steps in which one of the two says something; many are told to be silent. */
  compared: number;
  /** By line, what differs. */
  readonly differing: Map<number, string>;
}

test("the core does in each step what etcd's does, or differs for a reason", () => {
  const folder = conformanceFolder("etcd-raft/testdata");
  if (folder === null) return;
  const known = parseDifferences(readFileSync(DIFFERENCES, "utf8"));
  const found = new Map<string, { reason: string; lines: string }>();
  const rows: string[] = [];
  let left = 0;
  for (const script of readdirSync(folder).sort()) {
    const why = [...NOT_PLAYED].find(([, names]) => names.test(script))?.[0];
    if (why !== undefined) {
      left += 1;
      rows.push(`| ${script} | not played | – | ${why} |`);
      continue;
    }
    const played = play(folder, script);
    for (const [line, lines] of played.differing) {
      const step = `${script}:${line}`;
      found.set(step, { reason: known.steps.get(step)?.reason ?? "?", lines });
    }
    const steps = [...played.differing.keys()].map((line) => `${script}:${line}`);
    const reasons = new Set(steps.map((step) => found.get(step)?.reason));
    rows.push(`| ${script} | ${played.compared} | ${steps.length} | ${[...reasons].join(", ")} |`);
  }
  console.log(
    `skipped: ${left} of ${rows.length} interaction scripts, for reasons in CONFORMANCE.md`,
  );
  const text = writeDifferences({ reasons: known.reasons, steps: found });
  if (process.env.UPDATE === "1") writeFileSync(DIFFERENCES, text);
  assert.equal(text, readFileSync(DIFFERENCES, "utf8"));
  const unknown = [...found].filter(([, { reason }]) => !known.reasons.has(reason));
  assert.deepEqual(unknown, [], "each difference has a reason that is stated");
  const table = readFileSync(TABLE, "utf8");
  const explained = [...known.reasons.keys(), ...NOT_PLAYED.keys()].map((name) => `* **${name}**:`);
  const missing = [...rows, ...explained].filter((each) => !table.includes(`\n${each}`));
  assert.deepEqual(missing, [], `in CONFORMANCE.md:\n${rows.join("\n")}`);
});

function play(folder: string, script: string): Played {
  const interaction = new Interaction();
  const played: Played = { compared: 0, differing: new Map() };
  for (const block of readBlocks(folder, [script])) {
    const ours = comparable(interaction.run(block));
    const theirs = comparable(block.expected);
    if (block.expected === "ok" || (ours === "" && theirs === "")) continue;
    played.compared += 1;
    if (ours !== theirs) played.differing.set(block.line, differingLines(theirs, ours));
  }
  return played;
}
