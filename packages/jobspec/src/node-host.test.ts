/** The machine that the tests of this package run on, and where the recordings are. */
import assert from "node:assert/strict";
import { constants, createHash, privateDecrypt, randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import type { JobFileHost } from "./index.ts";

const REPOSITORY = fileURLToPath(new URL("../../../", import.meta.url));
export const RECORDINGS = join(
  process.env.DROVER_SHARED ?? join(REPOSITORY, "..", "shared"),
  "reference",
  "jobspec",
);
export const haveRecordings = existsSync(RECORDINGS);

export function nodeHost(workingDirectory: string): JobFileHost {
  const at = (path: string) => (isAbsolute(path) ? path : join(workingDirectory, path));
  return {
    workingDirectory,
    homeDirectory: homedir(),
    readFile(path) {
      try {
        return { ok: true, bytes: readFileSync(at(path)) };
      } catch (error) {
        return { ok: false, message: error instanceof Error ? error.message : String(error) };
      }
    },
    fileExists: (path) => statSync(at(path), { throwIfNoEntry: false })?.isFile() === true,
    listFiles(directory) {
      return readdirSync(at(directory), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(join(at(directory), "/").length));
    },
    hash: (algorithm, bytes) => createHash(algorithm).update(bytes).digest(),
    randomBytes: (count) => randomBytes(count),
    rsaDecrypt(cipher, key) {
      try {
        return privateDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, cipher);
      } catch (error) {
        assert.ok(error instanceof Error);
        return null;
      }
    },
    bcrypt: (_text, cost) => `$2a$${String(cost).padStart(2, "0")}$${"x".repeat(53)}`,
  };
}

test("a host of this machine finds the files of a directory", () => {
  const files = nodeHost(fileURLToPath(new URL("./", import.meta.url))).listFiles("functions");
  assert.ok(files.includes("paths.ts"));
});
