import assert from "node:assert/strict";
import test from "node:test";
import { ApiError } from "@drover/api";
import { compileFilter } from "./filter.ts";

const DOC = {
  ID: "web",
  Status: "running",
  Version: 3,
  Stop: false,
  Datacenters: ["dc1", "dc2"],
  Meta: { owner: "team-a" },
  Periodic: null,
  Name: "",
};

const holds: readonly [string, boolean][] = [
  ['Status == "running"', true],
  ["Status == running", true],
  ['Status != "running"', false],
  ["Version == 3", true],
  ["Stop == false", true],
  ['"dc1" in Datacenters', true],
  ['"dc3" in Datacenters', false],
  ['"dc3" not in Datacenters', true],
  ["Datacenters contains dc2", true],
  ['ID contains "we"', true],
  ['ID matches "^w.b$"', true],
  ['ID not matches "^x"', true],
  ["Periodic is empty", true],
  ["Name is empty", true],
  ["Periodic is nil", true],
  ["Meta is not nil", true],
  ["Datacenters is not empty", true],
  ['Meta.owner == "team-a"', true],
  ['"owner" in Meta', true],
  ['Status == "dead" or ID == "web"', true],
  ['Status == "running" and ID == "api"', false],
  ['not Status == "dead"', true],
  ['not (Status == "running" or ID == "web")', false],
  ['ID == "web" or ID == "api" and Status == "dead"', true],
  ["ID == `web`", true],
];

for (const [expression, expected] of holds) {
  test(`${expression} is ${expected}`, () => {
    assert.equal(compileFilter(expression)(DOC), expected);
  });
}

function failure(run: () => unknown): ApiError {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof ApiError);
    return error;
  }
  assert.fail("it was accepted");
}

const broken: readonly [string, number][] = [
  ["((", 2],
  ["ID ==", 5],
  ["ID", 2],
  ["ID like web", 11],
  ['ID == "web" Status', 12],
  ['ID matches "("', 14],
];

for (const [expression, at] of broken) {
  test(`${expression} is refused with the place where it breaks`, () => {
    const error = failure(() => compileFilter(expression));
    assert.equal(error.status, 400);
    assert.match(error.message, /^failed to create result paginator: failed to read filter/);
    assert.ok(error.message.includes(`1:${at + 1} (${at}): no match found`), error.message);
  });
}

test("an unknown member is refused by its name, not taken as empty", () => {
  const error = failure(() => compileFilter("Meta.missing.x == 1")(DOC));
  assert.equal(error.status, 400);
  assert.match(error.message, /\/Meta\/missing\/x at part 1: .* with name "missing"$/);
});
