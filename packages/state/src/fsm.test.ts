import assert from "node:assert/strict";
import test from "node:test";
import { DEFAULT_SCHEDULER_CONFIG } from "@drover/model";
import { mockJob } from "@drover/model/testing";
import { type Command, CommandTag } from "./commands/command.ts";
import { StateMachineStore } from "./fsm.ts";
import { Hash64 } from "./store/hash.ts";
import { addRow } from "./store/row-digest.ts";
import { jobRegister } from "./testing/commands.ts";
import { restoredFrom, StateHarness } from "./testing/harness.ts";

const REF = { namespace: "default", id: "example" };

test("a snapshot does not move with the state", () => {
  const harness = new StateHarness();
  harness.accept(jobRegister(mockJob({ meta: { v: "0" } })));
  const before = harness.snapshot;
  const hash = before.stateHash();
  harness.accept(jobRegister(mockJob({ meta: { v: "1" } })));
  assert.equal(before.job(REF)?.meta.v, "0");
  assert.equal(before.evalsByJob(REF).length, 1);
  assert.equal(before.stateHash(), hash);
  assert.equal(harness.snapshot.job(REF)?.meta.v, "1");
});

test("between two entries there is one snapshot", () => {
  const harness = new StateHarness();
  assert.equal(harness.snapshot, harness.snapshot);
});

test("a token that arrives twice gets the first answer and changes nothing", () => {
  const harness = new StateHarness();
  const body = { ...jobRegister(mockJob()), token: "t" };
  const first = harness.apply(body);
  const tables = harness.snapshot.tableIndex("jobs", "evals");
  const again = harness.apply(body);
  assert.deepEqual(again.result, first.result);
  assert.deepEqual(again.events, []);
  assert.equal(harness.snapshot.tableIndex("jobs", "evals"), tables);
  assert.equal(harness.snapshot.index, harness.index);
});

test("a rejected command is rejected again under its token", () => {
  const harness = new StateHarness();
  const body = { ...jobRegister(mockJob(), { enforceIndex: 7 }), token: "t" };
  const first = harness.apply(body).result;
  assert.equal(first.ok, false);
  harness.accept(jobRegister(mockJob()));
  assert.deepEqual(harness.apply(body).result, first);
});

test("up to version 4 ten thousand tokens are remembered, the oldest is forgotten", () => {
  const state = new StateMachineStore();
  const command = (token: string): Command => ({
    tag: CommandTag.schedulerConfig,
    v: 4,
    now: 0,
    token,
    config: DEFAULT_SCHEDULER_CONFIG,
    cas: null,
  });
  for (let i = 1; i <= 10_001; i++) state.apply(command(`t${i}`), i);
  assert.equal(state.apply(command("t2"), 10_002).result.index, 2);
  assert.equal(state.apply(command("t1"), 10_003).result.index, 10_003);
});

test("replicated time never goes back", () => {
  const harness = new StateHarness();
  const before = harness.now;
  harness.accept(jobRegister(mockJob()));
  harness.now -= 60_000;
  harness.accept(jobRegister(mockJob({ meta: { v: "1" } })));
  assert.equal(harness.snapshot.clock, before);
  assert.equal(harness.snapshot.job(REF)?.submitTime, before);
});

test("entries are applied in order, and others may lie between", () => {
  const harness = new StateHarness();
  harness.accept(jobRegister(mockJob()));
  harness.state.advance(harness.index + 5);
  assert.equal(harness.snapshot.index, harness.index + 5);
  assert.throws(() => harness.apply(jobRegister(mockJob())), /follows/);
});

test("a dump restores the same state, indexes and chain", () => {
  const harness = new StateHarness();
  harness.accept(jobRegister(mockJob()));
  const records = structuredClone([...harness.snapshot.dump()]);
  const copy = new StateMachineStore();
  copy.restore(restoredFrom(records));
  const [a, b] = [harness.snapshot, copy.snapshot()];
  assert.equal(b.stateHash(), a.stateHash());
  assert.deepEqual([b.index, b.clock, b.chain], [a.index, a.clock, a.chain]);
  assert.deepEqual(b.evalsByJob(REF), a.evalsByJob(REF));
});

test("a fork goes its own way", () => {
  const harness = new StateHarness();
  harness.accept(jobRegister(mockJob({ meta: { v: "0" } })));
  const hash = harness.snapshot.stateHash();
  const { chain } = harness.snapshot;
  const fork = harness.state.fork();
  assert.equal(fork.snapshot().stateHash(), hash);
  const body = { ...jobRegister(mockJob({ meta: { v: "1" } })), v: 1, now: 0, token: "x" };
  assert.ok(fork.apply(body, harness.index + 1).result.ok);
  assert.equal(fork.snapshot().job(REF)?.meta.v, "1");
  assert.equal(harness.snapshot.job(REF)?.meta.v, "0");
  assert.equal(harness.snapshot.stateHash(), hash);
  assert.equal(fork.snapshot().chain, chain, "what no log holds is hashed for nobody");
});

test("a dump without its header is refused", () => {
  assert.throws(() => new StateMachineStore().restore(restoredFrom([])), /header/);
});

test("listeners hear of each entry after it was applied", () => {
  const harness = new StateHarness();
  const heard: unknown[] = [];
  const off = harness.state.onApplied(({ result }, index) => {
    heard.push([result.ok, index, harness.snapshot.index]);
  });
  const { index } = harness.accept(jobRegister(mockJob()));
  off();
  harness.accept(jobRegister(mockJob()));
  assert.deepEqual(heard, [[true, index, index]]);
});

test("the running hash sees what is deep in a row, and only its content", () => {
  const chainOf = (row: unknown) => {
    const hash = new Hash64();
    addRow(hash, row);
    return hash.digest();
  };
  const row = (deep: string) => ({
    id: "a",
    none: undefined,
    part: { text: "x".repeat(300), deep },
  });
  const first = row("1");
  assert.equal(chainOf(first), chainOf(first));
  assert.equal(chainOf(first), chainOf(JSON.parse(JSON.stringify(first))));
  assert.equal(chainOf(first), chainOf({ ...first }));
  assert.notEqual(chainOf(first), chainOf(row("2")));
  const others = [null, "a", ["a"], {}, { id: "a" }, { id: "a", part: null }, first];
  assert.equal(new Set(others.map(chainOf)).size, others.length);
});

test("an unknown command stops the node", () => {
  const command = { tag: 999, v: 1, now: 0, token: "t" } as unknown as Command;
  assert.throws(() => new StateMachineStore().apply(command, 1), /unknown command tag 999/);
});

test("the hash sees order, boundaries and small changes", () => {
  const of = (...parts: string[]) => {
    const hash = new Hash64();
    for (const part of parts) hash.add(part);
    return hash.digest();
  };
  const all = [of("ab", "c"), of("a", "bc"), of("abc"), of("abd"), of("bac"), of("", "abc"), of()];
  assert.equal(new Set(all).size, all.length);
  assert.equal(of("abc"), of("abc"));
  assert.match(of("abc"), /^[0-9a-f]{16}$/);
});
