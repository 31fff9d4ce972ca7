import assert from "node:assert/strict";
import test from "node:test";
import { choose } from "./choose.ts";

const ITEMS = ["a", "b", "c", "d", "e"].map((id) => ({ id }));

test("the same key chooses the same ones, whatever their order", () => {
  const chosen = choose(ITEMS, "2|client-7");
  assert.equal(chosen.length, 2);
  assert.deepEqual(choose(ITEMS.toReversed(), "2|client-7"), chosen);
  const others = new Set(["x", "y", "z", "u", "v", "w"].map((key) => choose(ITEMS, `1|${key}`)[0]));
  assert.ok(others.size > 1, "keys spread");
});

test("one that was not chosen may go without moving anybody", () => {
  const chosen = choose(ITEMS, "2|k");
  const gone = ITEMS.find((item) => !chosen.includes(item));
  assert.deepEqual(
    choose(
      ITEMS.filter((item) => item !== gone),
      "2|k",
    ),
    chosen,
  );
});

test("there are never more than there are, and a parameter of another form is refused", () => {
  assert.equal(choose(ITEMS, "9|a|b").length, 5);
  for (const wrong of ["2", "x|key", "2|", "|key"]) {
    assert.throws(() => choose(ITEMS, wrong), /must be in form/);
  }
});
