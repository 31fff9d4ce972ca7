/** The quorum and membership tables of etcd-io/raft, used as they are (RAFT.md §4.9). */
import assert from "node:assert/strict";
import test from "node:test";
import { conformanceFolder, type DataBlock, readBlocks } from "../testing/datadriven.ts";
import {
  type ConfOperation,
  type ConfOutcome,
  enterJoint,
  leaveJoint,
  simpleChange,
} from "./conf-change.ts";
import { allMembers, emptyConf } from "./conf-state.ts";
import { reconcileProgress } from "./membership.ts";
import type { Progress } from "./progress.ts";
import { jointIndex, jointVote, majorityIndex, majorityVote } from "./quorum.ts";
import type { ConfState } from "./types.ts";

test("quorums count as in etcd's tables", () => {
  const folder = conformanceFolder("etcd-raft/quorum/testdata");
  if (folder === null) return;
  const blocks = readBlocks(folder);
  assert.ok(blocks.length >= 127, `${blocks.length} blocks read`);
  for (const block of blocks) {
    const actual = block.command === "vote" ? runVote(block) : runCommitted(block);
    assert.equal(actual, block.expected, `${block.file}:${block.line}`);
  }
});

test("memberships change as in etcd's tables", () => {
  const folder = conformanceFolder("etcd-raft/confchange/testdata");
  if (folder === null) return;
  const blocks = readBlocks(folder);
  assert.ok(blocks.length >= 58, `${blocks.length} blocks read`);
  for (const file of new Set(blocks.map((block) => block.file))) {
    const table = new MembershipTable();
    for (const block of blocks.filter((b) => b.file === file)) {
      assert.equal(table.run(block), block.expected, `${block.file}:${block.line}`);
    }
  }
});

function runCommitted(block: DataBlock): string {
  const { ids, idsJoint, joint } = readConfigs(block);
  const values = lookup(block, "idx", ids, idsJoint);
  const reached = new Map([...values].map(([id, text]) => [id, Number(text)]));
  const indexOf = (id: string) => reached.get(id);
  const index = joint ? jointIndex(ids, idsJoint, indexOf) : majorityIndex(ids, indexOf);
  const everyone = [...new Set([...ids, ...idsJoint])].sort(byNumber);
  return `${describe(everyone, reached)}${index === Infinity ? "∞" : index}`;
}

function runVote(block: DataBlock): string {
  const { ids, idsJoint, joint } = readConfigs(block);
  const votes = lookup(block, "votes", ids, idsJoint);
  const voteOf = (id: string) => (votes.has(id) ? votes.get(id) === "y" : undefined);
  const result = joint ? jointVote(ids, idsJoint, voteOf) : majorityVote(ids, voteOf);
  return { won: "VoteWon", lost: "VoteLost", pending: "VotePending" }[result];
}

function readConfigs(block: DataBlock): { ids: string[]; idsJoint: string[]; joint: boolean } {
  const list = (key: string) => split(block.args.get(key));
  const joint = block.args.has("cfgj");
  const idsJoint = block.args.get("cfgj") === "zero" ? [] : list("cfgj");
  return { ids: list("cfg"), idsJoint, joint };
}

function split(text: string | undefined): string[] {
  return (text ?? "")
    .split(",")
    .map((s) => s.trim())
    .filter((s) => s !== "");
}

/** Values belong to the ids in order of mention; "_" = not known. */
function lookup(block: DataBlock, key: string, ids: string[], idsJoint: string[]) {
  const values = split(block.args.get(key));
  const order = [...new Set([...ids, ...idsJoint])];
  assert.equal(values.length, order.length, `${block.file}:${block.line}: ${key}`);
  const pairs = order.map((id, i): [string, string] => [id, values[i] ?? "_"]);
  return new Map(pairs.filter(([, value]) => value !== "_"));
}

/** One bar per voter, as long as the number of voters that are behind it. */
function describe(ids: string[], reached: Map<string, number>): string {
  if (ids.length === 0) return "<empty majority quorum>";
  const rows = ids.map((id) => ({ id, index: reached.get(id) ?? 0, bar: 0 }));
  const sorted = [...rows].sort((a, b) => a.index - b.index || byNumber(a.id, b.id));
  for (const [i, row] of sorted.entries()) {
    const before = sorted[i - 1];
    if (before !== undefined) row.bar = before.index < row.index ? i : before.bar;
  }
  const size = ids.length;
  const lines = rows.map(({ id, index, bar }) => {
    const known = reached.has(id);
    const mark = known ? `${"x".repeat(bar)}>${" ".repeat(size - bar)}` : `?${" ".repeat(size)}`;
    return `${mark} ${String(index).padStart(5)}    (id=${id})\n`;
  });
  return `${" ".repeat(size)}    idx\n${lines.join("")}`;
}

/** Runs one file: each command is one step of the log, which new members start to probe at. */
class MembershipTable {
  #conf: ConfState = emptyConf;
  readonly #progress = new Map<string, Progress>();
  #lastIndex = 0;

  run(block: DataBlock): string {
    const outcome = this.#change(block);
    if (outcome.kind === "changed") {
      this.#conf = outcome.conf;
      const next = Math.max(1, this.#lastIndex);
      const window = { inflightMessagesMax: 10, inflightBytesMax: 1 };
      reconcileProgress(this.#progress, allMembers(this.#conf), next, window);
    }
    this.#lastIndex += 1;
    return outcome.kind === "invalid" ? outcome.detail : this.#render();
  }

  #change(block: DataBlock): ConfOutcome {
    const operations = block.input
      .join(" ")
      .split(" ")
      .filter((s) => s !== "")
      .map(operation);
    switch (block.command) {
      case "simple":
        return simpleChange(this.#conf, operations);
      case "enter-joint":
        return enterJoint(this.#conf, operations, block.args.get("autoleave") === "true");
      case "leave-joint":
        return leaveJoint(this.#conf);
      default:
        throw new Error(`unknown command ${block.command}`);
    }
  }

  #render(): string {
    const { voters, votersOutgoing, learners, learnersNext, autoLeave } = this.#conf;
    let head = `voters=${list(voters)}`;
    if (votersOutgoing.length > 0) head += `&&${list(votersOutgoing)}`;
    if (learners.length > 0) head += ` learners=${list(learners)}`;
    if (learnersNext.length > 0) head += ` learners_next=${list(learnersNext)}`;
    if (autoLeave) head += " autoleave";
    const rows = [...this.#progress]
      .sort(([a], [b]) => byNumber(a, b))
      .map(([id, progress]) => {
        const state = progress.state[0]?.toUpperCase() + progress.state.slice(1);
        const learner = learners.includes(id) ? " learner" : "";
        return `${id}: State${state} match=${progress.match} next=${progress.next}${learner}`;
      });
    return [head, ...rows].join("\n");
  }
}

function operation(text: string): ConfOperation {
  const kinds = { v: "voter", l: "learner", r: "remove", u: "update" } as const;
  const kind = kinds[text[0] as keyof typeof kinds];
  const id = text.slice(1);
  return { kind, id: id === "0" ? "" : id, address: "" };
}

function list(ids: readonly string[]): string {
  return `(${[...ids].sort(byNumber).join(" ")})`;
}

function byNumber(a: string, b: string): number {
  return Number(a) - Number(b);
}
