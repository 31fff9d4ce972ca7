/** DESIGN §3: a request that is sent again is answered, whatever came between. */
import assert from "node:assert/strict";
import test from "node:test";
import { DEFAULT_SCHEDULER_CONFIG } from "@drover/model";
import { COMMAND_VERSION, type Command, CommandTag } from "../commands/command.ts";
import { StateMachineStore } from "../fsm.ts";
import type { DumpRecord } from "../snapshot.ts";
import { paddedNumber } from "../store/keys.ts";
import { restoredFrom } from "../testing/harness.ts";
import { ANSWERS_KEPT_MS } from "./answers.ts";

const BEGIN = 1_700_000_000_000;

class Log {
  readonly state = new StateMachineStore();
  now = BEGIN;
  index = 0;

  /** Index that the answer names: another one where the command was applied before. */
  ask(token: string, v = COMMAND_VERSION): number {
    const { result } = this.apply(token, v);
    assert.ok(result.ok, token);
    return result.index;
  }

  apply(token: string, v = COMMAND_VERSION) {
    this.index += 1;
    const command: Command = {
      ...{ tag: CommandTag.schedulerConfig, v, now: this.now, token },
      ...{ config: DEFAULT_SCHEDULER_CONFIG, cas: null },
    };
    return this.state.apply(command, this.index);
  }

  /** So many others, evenly over the time. */
  pass(count: number, ms: number): void {
    const from = this.now;
    for (let i = 1; i <= count; i++) {
      this.now = from + Math.floor((ms * i) / count);
      this.ask(`other ${this.index}`);
    }
  }

  get remembered(): number {
    let count = 0;
    for (const record of this.state.snapshot().dump()) {
      if (record.kind === "row" && record.table === "tokens") count += 1;
    }
    return count;
  }
}

test("what is sent again within its time is answered, however many others came between", () => {
  const log = new Log();
  const first = log.ask("asked twice");
  log.pass(30_000, 15_000);
  assert.equal(log.ask("asked twice"), first);
  log.pass(10_000, ANSWERS_KEPT_MS - 15_000);
  assert.equal(log.ask("asked twice"), first);
});

test("answers are forgotten after their time, but never the last ten thousand", () => {
  const log = new Log();
  const first = log.ask("first");
  log.pass(9_999, 600_000);
  assert.equal(log.ask("first"), first);
  log.pass(2, 1_000);
  assert.notEqual(log.ask("first"), first);
  log.pass(45_000, 3 * ANSWERS_KEPT_MS);
  assert.ok(Math.abs(log.remembered - 15_000) < 100, `${log.remembered} of a minute`);
});

test("a leap of the clock makes no answer old", () => {
  const log = new Log();
  const first = log.ask("asked twice");
  log.pass(20_000, 5_000);
  log.now += 3_600_000;
  log.pass(10, 10);
  assert.equal(log.ask("asked twice"), first);
});

test("where no room is left a command is refused and not applied, until some is", () => {
  const log = new Log();
  log.state.restore(restoredFrom(remembering(500_000)));
  log.index = 500_000;
  assert.equal(log.ask("old 7"), 7);
  const refused = log.apply("new").result;
  assert.ok(!refused.ok && refused.code === "OVERLOADED", "refused");
  assert.equal(log.state.snapshot().schedulerConfig().modifyIndex, 0);
  log.ask("");
  let attempts = 1;
  for (; !log.apply("new").result.ok; attempts++) log.now += 1_000;
  assert.ok(attempts > 60 && attempts < 65, `${attempts} attempts a second apart`);
  assert.equal(log.ask("new"), log.index - 1);
});

test("a copy made from a snapshot forgets the same", () => {
  const log = new Log();
  log.pass(15_000, 50_000);
  const copy = new Log();
  copy.state.restore(restoredFrom(log.state.snapshot().dump()));
  copy.index = log.index;
  copy.now = log.now;
  for (const each of [log, copy]) each.pass(1_000, 20_000);
  assert.equal(copy.state.chain, log.state.chain);
  assert.equal(copy.state.snapshot().stateHash(), log.state.snapshot().stateHash());
  assert.ok(log.remembered < 15_000, `${log.remembered}`);
});

test("what an older version remembered counts from when the newer one began", () => {
  const log = new Log();
  const first = log.ask("asked twice", 4);
  for (let i = 1; i < 10_000; i++) log.ask(`older ${i}`, 4);
  log.pass(1_000, 30_000);
  assert.equal(log.ask("asked twice"), first);
  log.pass(1_000, ANSWERS_KEPT_MS);
  assert.notEqual(log.ask("asked twice"), first);
});

/** A state that holds so many answers, all of the same moment. */
function* remembering(count: number): Generator<DumpRecord> {
  yield { kind: "header", format: 1, index: count, clock: BEGIN, chain: "0" };
  for (let index = 1; index <= count; index++) {
    const token = `old ${index}`;
    const result = { ok: true, index, value: {} };
    yield { kind: "row", table: "tokens", key: token, row: { token, result, at: 0 } };
    const key = `${paddedNumber(index)}.0`;
    yield { kind: "row", table: "tokenOrder", key, row: token };
  }
  yield { kind: "row", table: "answerTime", key: "", row: { at: 0, now: BEGIN } };
}
