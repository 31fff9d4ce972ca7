import assert from "node:assert/strict";
import test from "node:test";
import { createError, isUnreachable, pullError, startError } from "./errors.ts";
import { digestOf, hasRegistryHost, withTag } from "./images.ts";

function refused(statusCode: number, message: string): Error {
  return Object.assign(new Error(`(HTTP code ${statusCode}) unexpected - ${message} `), {
    statusCode,
    json: null,
  });
}

const NO_SUCH_HOST = 'Get "https://hub.test/v2/": dial tcp: lookup hub.test: no such host';
const PULLS: [number, string, { hasRegistry: boolean; retryable: boolean }][] = [
  [404, "manifest for x:9 not found: manifest unknown", { hasRegistry: true, retryable: false }],
  [404, "pull access denied for x", { hasRegistry: false, retryable: false }],
  [500, "no matching manifest for linux/amd64", { hasRegistry: true, retryable: false }],
  [400, "invalid reference format", { hasRegistry: false, retryable: false }],
  [500, NO_SUCH_HOST, { hasRegistry: false, retryable: false }],
  [500, NO_SUCH_HOST, { hasRegistry: true, retryable: true }],
  [500, "dial tcp 127.0.0.1:5999: connection refused", { hasRegistry: true, retryable: true }],
  [500, "toomanyrequests: slow down", { hasRegistry: false, retryable: true }],
  [500, "write: no space left on device", { hasRegistry: true, retryable: true }],
];

for (const [status, reason, { hasRegistry, retryable }] of PULLS) {
  const where = hasRegistry ? "a named registry" : "the default hub";
  const what = retryable ? "may pass" : "is final";
  test(`pulling from ${where}: "${reason}" ${what}`, () => {
    const error = pullError("x:9", refused(status, reason), { hasRegistry });
    assert.equal(error.retryable, retryable);
    assert.equal(error.message, `Failed to pull \`x:9\`: Error response from daemon: ${reason}`);
  });
}

test("an engine that is away is no verdict on the task", () => {
  const away = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
  for (const error of [
    pullError("x", away, { hasRegistry: false }),
    createError(away),
    startError(away),
  ]) {
    assert.equal(error.retryable, true);
    assert.equal(error.code, "driver-unavailable");
  }
  assert.equal(isUnreachable(new TypeError("a bug")), false);
});

test("an image that has just gone says nothing about the version", () => {
  const gone = createError(refused(404, "No such image: sha256:1"));
  assert.deepEqual([gone.code, gone.retryable], ["create-failed", true]);
  const wrong = createError(refused(404, "network nope not found"));
  assert.deepEqual([wrong.code, wrong.retryable], ["invalid-config", false]);
});

const STARTS: [number, string, string, boolean][] = [
  [400, 'exec: "/nope": stat /nope: no such file or directory', "bad-entrypoint", false],
  [400, 'exec: "/x": permission denied', "bad-entrypoint", false],
  [500, "Bind for 127.0.0.1:80 failed: port is already allocated", "port-taken", true],
  [500, "something else", "start-failed", true],
];
for (const [status, reason, code, retryable] of STARTS) {
  test(`starting: "${reason}" is ${code}`, () => {
    const error = startError(refused(status, reason));
    assert.equal(error.code, code);
    assert.equal(error.retryable, retryable);
  });
}

test("a name without a tag means latest; a registry's port is no tag", () => {
  assert.equal(withTag("web"), "web:latest");
  assert.equal(withTag("host:5000/web"), "host:5000/web:latest");
  assert.equal(withTag("web:1"), "web:1");
  assert.equal(withTag("web@sha256:00"), "web@sha256:00");
});

test("a first part with a dot, a port or localhost is a registry", () => {
  assert.equal(hasRegistryHost("web:1"), false);
  assert.equal(hasRegistryHost("team/web:1"), false);
  assert.equal(hasRegistryHost("localhost/web"), true);
  assert.equal(hasRegistryHost("host:5000/web"), true);
  assert.equal(hasRegistryHost("hub.test/team/web"), true);
});

test("a digest that a registry can serve is preferred to the local id", () => {
  const info = { Id: "sha256:local", RepoDigests: ["other@sha256:1", "host:5000/web@sha256:2"] };
  assert.equal(digestOf("host:5000/web:9", info), "host:5000/web@sha256:2");
  assert.equal(digestOf("web:9", info), "sha256:local");
  assert.equal(digestOf("web:9", { Id: "sha256:local", RepoDigests: null }), "sha256:local");
});
