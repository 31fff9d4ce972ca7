import assert from "node:assert/strict";
import test from "node:test";
import { compareVersions, matchesVersion, parseVersion } from "./version.ts";

const matching: readonly [string, string][] = [
  ["1.2.3", "1.2.3"],
  ["1.2.3", "= 1.2.3"],
  ["1.2.3", ">= 1.0, < 2"],
  ["1.2.3", "~> 1.2"],
  ["1.9", "~> 1.2"],
  ["1.2.9", "~> 1.2.3"],
  ["v1.2", "1.2.0"],
  ["1.2.3.4", "> 1.2.3"],
  ["1.0.0-beta1", ">= 1.0.0-beta1"],
  ["20.10.24+dfsg1", ">= 20.10"],
  ["2.0.6", "!= 2.0.5"],
];
const failing: readonly [string, string][] = [
  ["2.0", "~> 1.2"],
  ["1.3.0", "~> 1.2.3"],
  ["1.2.2", "~> 1.2.3"],
  ["1.0.0-beta1", ">= 0.9"],
  ["1.0.0", "~> 1.0.0-beta1"],
  ["2.0.0", ">= 1.0, < 2"],
  ["not a version", ">= 0"],
  ["1.0", "nonsense"],
  ["1.0", ""],
];

for (const [version, constraint] of matching) {
  test(`${version} matches ${constraint}`, () => {
    assert.equal(matchesVersion(version, constraint, "version"), true);
  });
}
for (const [version, constraint] of failing) {
  test(`${version} does not match ${constraint || "nothing"}`, () => {
    assert.equal(matchesVersion(version, constraint, "version"), false);
  });
}

test("semver compares pre-releases in their usual order", () => {
  assert.equal(matchesVersion("2.0.0-rc1", ">= 1.0.0", "semver"), true);
  assert.equal(matchesVersion("1.0.0-rc1", ">= 1.0.0", "semver"), false);
  const parts = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0"];
  const versions = parts.map((text) => parseVersion(text, "semver"));
  for (let i = 1; i < versions.length; i++) {
    const [a, b] = [versions[i - 1], versions[i]];
    assert.ok(a && b && compareVersions(a, b) < 0, `${parts[i - 1]} before ${parts[i]}`);
  }
});
