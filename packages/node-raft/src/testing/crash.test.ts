import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { formProcesses, type MemberHandle, writeSomewhere } from "./member-handle.ts";

const WRITERS = 4;
const ROUNDS = 3;
const WRITES_PER_ROUND = 60;

interface History {
  /** Text of each acknowledged write, with its index. */
  readonly acked: Map<string, number>;
  /** Writes whose outcome nobody knows. */
  readonly unknown: Set<string>;
}

async function write(members: readonly MemberHandle[], history: History, text: string) {
  const outcome = await writeSomewhere(members, text, 10_000);
  if (outcome === "unknown") history.unknown.add(text);
  else history.acked.set(text, outcome.index);
}

function checkItems(name: string, items: readonly string[], history: History): void {
  const places = new Map<string, number>();
  for (const [i, item] of items.entries()) {
    assert.ok(!places.has(item), `${name}: ${item} was applied twice`);
    places.set(item, i);
  }
  const order = [...history.acked].sort((a, b) => a[1] - b[1]);
  let last = -1;
  for (const [text, index] of order) {
    const place = places.get(text);
    assert.ok(place !== undefined, `${name}: lost ${text}, acknowledged at index ${index}`);
    assert.ok(place > last, `${name}: ${text} is out of order`);
    last = place;
  }
  for (const item of items) {
    assert.ok(
      history.acked.has(item) || history.unknown.has(item),
      `${name}: ${item} from nowhere`,
    );
  }
}

test("no acknowledged write is lost when leaders are killed, and all members agree", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "raft-crash-"));
  let members: MemberHandle[] = await formProcesses(root, 3);
  t.after(async () => {
    await Promise.all(members.map((member) => member.kill()));
    rmSync(root, { recursive: true, force: true });
  });
  const history: History = { acked: new Map(), unknown: new Set() };
  for (let round = 0; round < ROUNDS; round += 1) {
    const leader = await writeSomewhere(members, `round ${round}`, 10_000);
    assert.ok(leader !== "unknown");
    history.acked.set(`round ${round}`, leader.index);
    let written = 0;
    const writer = async (w: number): Promise<void> => {
      for (let i = 0; i < WRITES_PER_ROUND; i += 1) {
        await write(members, history, `${round}/${w}/${i}`);
        written += 1;
        // In the middle of everyone's writing.
        if (written === (WRITERS * WRITES_PER_ROUND) / 2) await leader.member.kill();
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, (_, w) => writer(w)));
    const back = await leader.member.restart();
    members = members.map((member) => (member === leader.member ? back : member));
  }
  assert.ok(history.acked.size > ROUNDS * WRITERS * WRITES_PER_ROUND * 0.9);
  const final = await writeSomewhere(members, "final", 10_000);
  assert.ok(final !== "unknown");
  history.acked.set("final", final.index);
  const last = final.index;
  const lists = await Promise.all(members.map((member) => member.call("items", { last })));
  for (const [i, items] of lists.entries()) checkItems(`member ${i}`, items, history);
  assert.deepEqual(lists[1], lists[0]);
  assert.deepEqual(lists[2], lists[0]);
});
