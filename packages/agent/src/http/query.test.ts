import assert from "node:assert/strict";
import test from "node:test";
import { ApiError } from "@drover/api";
import { booleanParam, integerParam, parseQuery, readParams } from "./query.ts";

const parse = (text: string) => parseQuery(new URLSearchParams(text));

test("nothing asked is the default namespace, at once, not stale, without pages", () => {
  const { all: _all, ...query } = parse("");
  assert.deepEqual(query, {
    region: "",
    namespace: "default",
    index: 0,
    waitMs: 300_000,
    stale: false,
    prefix: "",
    filter: "",
    perPage: 0,
    nextToken: "",
    reverse: false,
    pretty: false,
  });
});

test("an empty namespace is the default one", () => {
  assert.equal(parse("namespace=").namespace, "default");
  assert.equal(parse("namespace=*").namespace, "*");
});

const waits: readonly [string, number][] = [
  ["60s", 60_000],
  ["1500ms", 1_500],
  ["1m30s", 90_000],
  ["10h", 300_000],
  ["0s", 300_000],
];
for (const [text, ms] of waits) {
  test(`wait=${text} waits ${ms} ms`, () => {
    assert.equal(parse(`wait=${text}`).waitMs, ms);
  });
}

const flags: readonly [string, boolean][] = [
  ["stale", true],
  ["stale=", true],
  ["stale=true", true],
  ["stale=1", true],
  ["stale=false", false],
  ["stale=0", false],
  ["pretty", true],
];
for (const [text, value] of flags) {
  test(`${text} means ${value}`, () => {
    const query = parse(text);
    assert.equal(text.startsWith("stale") ? query.stale : query.pretty, value);
  });
}

const refused: readonly [string, string][] = [
  ["index=x", "Invalid index"],
  ["index=-1", "Invalid index"],
  ["wait=soon", "Invalid wait time"],
  ["per_page=many", "Expect a number for `per_page` query string parameter"],
  ["stale=maybe", "Expect `true` or `false` for `stale` query string parameter"],
];
for (const [text, message] of refused) {
  test(`${text} is refused`, () => {
    assert.throws(() => parse(text), new ApiError("bad-request", message));
  });
}

test("a parameter of an endpoint is true in every way that Go reads, and refused otherwise", () => {
  const of = (text: string) => new URLSearchParams(text);
  for (const text of ["1", "t", "T", "true", "TRUE", "True"]) {
    assert.equal(booleanParam(of(`purge=${text}`), "purge"), true);
  }
  for (const text of ["0", "f", "F", "false", "FALSE", "False"]) {
    assert.equal(booleanParam(of(`purge=${text}`), "purge"), false);
  }
  assert.equal(booleanParam(of("purge="), "purge"), null);
  assert.equal(booleanParam(of(""), "purge"), null);
  assert.equal(integerParam(of("n=-5"), "n"), -5);
  assert.equal(integerParam(of("n="), "n"), null);
  const reason = (parser: string) => `strconv.${parser}: parsing "x": invalid syntax`;
  assert.throws(
    () => booleanParam(of("purge=x"), "purge"),
    new ApiError(
      "internal",
      `Failed to parse value of "purge" (x) as a bool: ${reason("ParseBool")}`,
    ),
  );
  assert.throws(
    () => integerParam(of("n=x"), "n"),
    new ApiError("internal", `Failed to parse value of "n" (x) as a int: ${reason("Atoi")}`),
  );
});

test("a pair that is not well encoded counts as not sent", () => {
  assert.equal(readParams("?prefix=%zz&namespace=a%2Fb").toString(), "namespace=a%2Fb");
  assert.equal(readParams("?prefix=100%25").get("prefix"), "100%");
});

test("where the index belongs to the endpoint it is left to it", () => {
  const query = parseQuery(new URLSearchParams("index=-5"), { held: false });
  assert.equal(query.index, 0);
  assert.equal(query.all.get("index"), "-5");
});
