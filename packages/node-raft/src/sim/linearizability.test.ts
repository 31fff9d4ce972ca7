import assert from "node:assert/strict";
import test from "node:test";
import { type CasOperation, casRegister } from "./jepsen-histories.ts";
import { checkLinearizable, type Operation, type SequentialModel } from "./linearizability.ts";
import { SimRandom } from "./random.ts";
import { type RegisterOperation, registerModel } from "./register-model.ts";

function write(value: number, invokedAt: number, completedAt: number): RegisterOperation {
  return { kind: "write", value, invokedAt, completedAt };
}

function read(value: number, invokedAt: number, completedAt: number): RegisterOperation {
  return { kind: "read", value, invokedAt, completedAt };
}

function checkRegister(history: readonly RegisterOperation[]): string | null {
  return checkLinearizable(registerModel, new Map([["r", history]]));
}

test("accepts a history that has an order", () => {
  const overlapping = [write(1, 0, 10), write(2, 1, 9), read(2, 2, 3), read(1, 4, 5)];
  assert.equal(checkRegister(overlapping), null);
  assert.equal(checkRegister([read(0, 0, 1), write(1, 2, 3), read(1, 4, 5)]), null);
  assert.equal(checkRegister([]), null);
});

test("an unknown write may have happened, or not", () => {
  assert.equal(checkRegister([write(1, 0, Infinity), read(0, 5, 6), read(0, 7, 8)]), null);
  assert.equal(checkRegister([write(1, 0, Infinity), read(0, 5, 6), read(1, 7, 8)]), null);
});

test("an unknown read says nothing", () => {
  assert.equal(checkRegister([write(1, 0, 1), read(7, 2, Infinity), read(1, 3, 4)]), null);
});

test("refuses a read that misses an acknowledged write", () => {
  assert.ok(checkRegister([write(1, 0, 1), write(2, 2, 3), read(1, 4, 5)]));
  assert.ok(checkRegister([write(1, 0, 1), read(0, 4, 5)]));
});

test("refuses reads that go back", () => {
  assert.ok(checkRegister([write(1, 0, 1), write(2, 2, 20), read(2, 3, 4), read(1, 5, 6)]));
  assert.ok(checkRegister([write(1, 0, Infinity), read(1, 3, 4), read(0, 5, 6)]));
});

test("refuses a value from nowhere and one from the future", () => {
  assert.ok(checkRegister([read(7, 0, 1)]));
  assert.ok(checkRegister([read(1, 0, 1), write(1, 2, 3)]));
});

test("names the object and the operation that no order explains", () => {
  const good = [write(1, 0, 1)];
  const verdictOn = (...bad: RegisterOperation[]) =>
    checkLinearizable(registerModel, new Map(Object.entries({ good, bad })));
  assert.equal(verdictOn(write(1, 0, 1), read(7, 4, 5)), "bad: 7 was read but never written");
  assert.equal(
    verdictOn(write(1, 0, 1), read(0, 4, 5)),
    "bad: 1 happened while 0 had to be current",
  );
  // Where values come twice, only the search can tell.
  const twice = [write(1, 0, 1), write(2, 2, 3), write(1, 4, 5)];
  assert.equal(
    verdictOn(...twice, read(7, 6, 7)),
    "bad: no order explains read of 7 after 3 others, in state 1",
  );
  assert.equal(
    verdictOn(...twice, read(2, 6, 7)),
    "bad: no order explains write of 1 after 2 others, in state 2, which is seen later",
  );
});

test("what failed with one unknown operation spent may do with another", () => {
  const written = { ...write7(0, Infinity), value: 1 };
  const seen = (from: number) => ({ ...written, kind: "read" as const, ...at(from) });
  const other = { ...written, value: 3, ...at(4) };
  const history = [written, cas(-1, 1, false, 1, Infinity), seen(2), other, seen(6)];
  // The write explains the first read as well, and is needed for the second.
  assert.equal(checkLinearizable(casRegister, new Map([["r", history]])), null);
  const without = history.filter((operation) => operation !== written);
  assert.ok(checkLinearizable(casRegister, new Map([["r", without]])));
  // The same twice is not the same as once.
  const twice = [written, { ...written }, seen(2), other, seen(6)];
  assert.equal(checkLinearizable(casRegister, new Map([["r", twice]])), null);
  assert.ok(checkLinearizable(casRegister, new Map([["r", twice.slice(1)]])));
});

test("writes at once by the hundred, acknowledged or not, are no burden", () => {
  const writes = Array.from({ length: 300 }, (_, i) =>
    write(i + 1, i, i % 3 === 0 ? Infinity : 1000 + i),
  );
  const reads = Array.from({ length: 60 }, (_, i) => read(i + 100, 1400 + i, 1400.5 + i));
  const outcome = (history: RegisterOperation[]) =>
    checkLinearizable(registerModel, new Map([["r", history]]), 20_000);
  // Those acknowledged are past when the reads begin, except for the last.
  assert.ok(outcome([...writes, ...reads]));
  const seen = Array.from({ length: 200 }, (_, i) => read(i + 1, 400 + i, 400.5 + i));
  assert.equal(outcome([...writes, ...seen]), null);
});

test("says that it does not know rather than guess", () => {
  const increments = Array.from({ length: 24 }, (_, i) => cas(i, i + 1, false, 0, 100));
  const never = cas(77, 78, true, 0, 100);
  const history = new Map([["r", [...increments, write7(0, 100), never]]]);
  assert.throws(() => checkLinearizable(casRegister, history, 10), /undecided: r/);
});

test("agrees with trying every order of small histories", () => {
  const random = new SimRandom(1, "histories");
  const verdicts = { linearizable: 0, not: 0 };
  for (let round = 0; round < 3000; round += 1) {
    const registers = Array.from({ length: 1 + random.int(6) }, () => randomRegister(random));
    const unique = registers.map((operation, i) => {
      return operation.kind === "write" ? { ...operation, value: i + 1 } : operation;
    });
    const cases = Array.from({ length: 1 + random.int(5) }, () => randomCas(random));
    verdicts[agree(registerModel, registers)] += 1;
    verdicts[agree(registerModel, unique)] += 1;
    verdicts[agree(casRegister, cases)] += 1;
  }
  assert.ok(verdicts.linearizable > 1000 && verdicts.not > 1000, JSON.stringify(verdicts));
});

function agree<Op extends Operation>(
  model: SequentialModel<number, Op>,
  history: readonly Op[],
): "linearizable" | "not" {
  const expected = hasOrder(model, model.initial, history);
  const found = checkLinearizable(model, new Map([["r", history]])) === null;
  assert.equal(found, expected, JSON.stringify(history));
  return expected ? "linearizable" : "not";
}

/** Every operation in turn that nothing left over had ended before; unknown ones may be left. */
function hasOrder<Op extends Operation>(
  model: SequentialModel<number, Op>,
  state: number,
  left: readonly Op[],
): boolean {
  if (left.every((operation) => operation.completedAt === Infinity)) return true;
  return left.some((operation) => {
    const others = left.filter((other) => other !== operation);
    if (others.some((other) => other.completedAt < operation.invokedAt)) return false;
    const unknownRead =
      operation.completedAt === Infinity && model.effect(operation) === "read" ? state : null;
    const after = unknownRead ?? model.step(state, operation);
    return after !== null && hasOrder(model, after, others);
  });
}

function at(from: number): Operation {
  return { invokedAt: from, completedAt: from + 1 };
}

function randomTimes(random: SimRandom): Operation {
  const invokedAt = random.int(12);
  const completedAt = random.chance(0.25) ? Infinity : invokedAt + random.int(8);
  return { invokedAt, completedAt };
}

function randomRegister(random: SimRandom): RegisterOperation {
  const kind = random.chance(0.5) ? "read" : "write";
  // Values that repeat: what the simulator never has.
  const value = kind === "read" ? random.int(4) : 1 + random.int(3);
  return { kind, value, ...randomTimes(random) };
}

function cas(value: number, swap: number, ok: boolean, from: number, to: number): CasOperation {
  return { kind: "cas", value, swap, ok, invokedAt: from, completedAt: to };
}

function write7(from: number, to: number): CasOperation {
  return { kind: "write", value: 7, swap: -1, ok: true, invokedAt: from, completedAt: to };
}

function randomCas(random: SimRandom): CasOperation {
  const kind = random.pick(["read", "write", "cas"] as const);
  const value = random.int(kind === "read" ? 4 : 3) - (kind === "read" ? 1 : 0);
  return { kind, value, swap: random.int(3), ok: random.chance(0.6), ...randomTimes(random) };
}
