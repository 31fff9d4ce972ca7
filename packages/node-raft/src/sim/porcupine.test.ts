/**
 * The checker against histories whose verdicts are known: Jepsen's of etcd and those of a key-value
 * store, from the test data of Porcupine (`../shared/conformance/porcupine`, beside the checkout).
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { conformanceFolder } from "../testing/datadriven.ts";
import { casRegister, parseJepsenLog, parseKvLog, textValue } from "./jepsen-histories.ts";
import { checkLinearizable, historiesOf } from "./linearizability.ts";

/** By the tests that Porcupine ships with this data; the rest of them are not. */
const LINEARIZABLE = new Set([
  2, 5, 7, 18, 25, 31, 38, 45, 48, 49, 51, 53, 56, 67, 75, 76, 80, 87, 92, 98, 100, 101, 102,
]);
/** The cluster of this one never started: its log holds no operation. */
const EMPTY = 95;

test("the histories of etcd get the verdicts that are known", () => {
  const folder = conformanceFolder("porcupine/test_data/jepsen");
  if (folder === null) return;
  let checked = 0;
  let unknown = 0;
  for (const file of readdirSync(folder).sort()) {
    const number = Number(/\d+/.exec(file)?.[0]);
    const operations = parseJepsenLog(readFileSync(join(folder, file), "utf8"));
    if (number === EMPTY) {
      assert.equal(operations.length, 0);
      continue;
    }
    const verdict = checkLinearizable(casRegister, new Map([[file, operations]]));
    assert.equal(verdict === null, LINEARIZABLE.has(number), `${file}: ${verdict}`);
    unknown += operations.filter((operation) => operation.completedAt === Infinity).length;
    checked += 1;
  }
  assert.equal(checked, 102);
  assert.ok(unknown > 1000, `${unknown} operations of unknown outcome`);
});

test("the histories of a key-value store get the verdicts that their names say", () => {
  const folder = conformanceFolder("porcupine/test_data/kv");
  if (folder === null) return;
  const files = readdirSync(folder);
  assert.equal(files.length, 6);
  for (const file of files) {
    const operations = parseKvLog(readFileSync(join(folder, file), "utf8"));
    assert.ok(operations.length > 0);
    const verdict = checkLinearizable(textValue, historiesOf(operations));
    assert.equal(verdict === null, file.endsWith("-ok.txt"), `${file}: ${verdict}`);
  }
});
