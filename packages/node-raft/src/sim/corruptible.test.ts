import assert from "node:assert/strict";
import test from "node:test";
import { EntryKind } from "../core/types.ts";
import { CorruptibleMachine } from "./corruptible.ts";
import { encodeCommand } from "./register-machine.ts";

function applyUpTo(machine: CorruptibleMachine, last: number): void {
  for (let index = machine.index + 1; index <= last; index += 1) {
    const data = encodeCommand({ key: "k0", serial: index });
    machine.apply({ index, term: 1, kind: EntryKind.normal, data });
  }
}

function restored(from: CorruptibleMachine): CorruptibleMachine {
  const machine = new CorruptibleMachine();
  machine.load(from.save());
  return machine;
}

test("a wrong state can be seen from the first checkpoint on that it passes", () => {
  const machine = new CorruptibleMachine();
  applyUpTo(machine, 70);
  machine.skip();
  applyUpTo(machine, 127);
  assert.ok(machine.wrongFrom > 70);
  assert.equal(machine.isVisible, false);
  applyUpTo(machine, 128);
  assert.equal(machine.isVisible, true);
});

test("restored from a snapshot behind the checkpoint it is seen at the next one", () => {
  const machine = new CorruptibleMachine();
  machine.skip();
  applyUpTo(machine, 130);
  assert.equal(machine.isVisible, true);
  const again = restored(machine);
  assert.ok(again.wrongFrom > 0);
  assert.equal(again.isVisible, false);
  applyUpTo(again, 191);
  assert.equal(again.isVisible, false);
  applyUpTo(again, 192);
  assert.equal(again.isVisible, true);
});

test("restored from a snapshot before the checkpoint it is seen there", () => {
  const machine = new CorruptibleMachine();
  machine.skip();
  applyUpTo(machine, 100);
  const again = restored(machine);
  applyUpTo(again, 128);
  assert.equal(again.isVisible, true);
});
