import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { compareIndexToken, paginate } from "./pages.ts";

const names = ["a", "b", "c", "d", "e"];
const all = { perPage: 0, nextToken: "", reverse: false };
const itself = (name: string) => name;

test("without a size everything is one page", () => {
  assert.deepEqual(paginate(names, all, itself), { items: names, nextToken: "" });
});

test("a page names the first object of the next one", () => {
  const page = paginate(names, { ...all, perPage: 2 }, itself);
  assert.deepEqual(page, { items: ["a", "b"], nextToken: "c" });
});

test("the last page names none, also when it is full", () => {
  const page = paginate(names, { ...all, perPage: 2, nextToken: "d" }, itself);
  assert.deepEqual(page, { items: ["d", "e"], nextToken: "" });
});

test("reversed pages go on downwards", () => {
  const page = paginate(names, { perPage: 2, nextToken: "d", reverse: true }, itself);
  assert.deepEqual(page, { items: ["d", "c"], nextToken: "b" });
});

test("a token whose object is gone continues where it would stand", () => {
  const page = paginate(names, { ...all, nextToken: "bb" }, itself);
  assert.deepEqual(page.items, ["c", "d", "e"]);
});

test("a token behind everything gives an empty page", () => {
  assert.deepEqual(paginate(names, { ...all, nextToken: "zz" }, itself).items, []);
});

test("tokens by index compare as numbers, and by id within one index", () => {
  assert.ok(compareIndexToken("9.b", "10.a") < 0);
  assert.ok(compareIndexToken("10.a", "10.b") < 0);
  assert.equal(compareIndexToken("10.a", "10.a"), 0);
});

test("a token that is no index compares as text", () => {
  assert.ok(compareIndexToken("9.b", "zz") < 0);
});

test("following the tokens visits every object once, in order, in both directions", () => {
  const sizes = fc.integer({ min: 1, max: 7 });
  const lists = fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 30 });
  fc.assert(
    fc.property(lists, sizes, fc.boolean(), (list, perPage, reverse) => {
      const sorted = [...list].sort();
      const seen: string[] = [];
      let nextToken = "";
      do {
        const page = paginate(sorted, { perPage, nextToken, reverse }, itself);
        assert.ok(page.items.length <= perPage);
        seen.push(...page.items);
        nextToken = page.nextToken;
      } while (nextToken !== "");
      assert.deepEqual(seen, reverse ? sorted.reverse() : sorted);
    }),
  );
});
