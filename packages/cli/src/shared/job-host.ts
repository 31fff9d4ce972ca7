/** What a job file may ask of the machine that the command runs on. */
import { constants, createHash, privateDecrypt, randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join, relative, resolve } from "node:path";
import { errorText } from "@drover/base";
import type { JobFileHost } from "@drover/jobspec";

export function jobFileHost(workingDirectory: string): JobFileHost {
  const at = (path: string) => resolve(workingDirectory, path);
  return {
    workingDirectory,
    homeDirectory: homedir(),
    readFile(path) {
      try {
        return { ok: true, bytes: readFileSync(at(path)) };
      } catch (error) {
        return { ok: false, message: errorText(error) };
      }
    },
    fileExists: (path) => statSync(at(path), { throwIfNoEntry: false })?.isFile() === true,
    listFiles(directory) {
      const root = at(directory);
      if (statSync(root, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
      return readdirSync(root, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => relative(root, join(entry.parentPath, entry.name)));
    },
    hash: (algorithm, bytes) => createHash(algorithm).update(bytes).digest(),
    randomBytes: (count) => randomBytes(count),
    rsaDecrypt(cipher, key) {
      try {
        return privateDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, cipher);
      } catch {
        // A key or text that does not fit is the job file's mistake, reported with its place.
        return null;
      }
    },
    // No bcrypt comes with the runtime; the job file gets an error that says so.
    bcrypt: () => null,
  };
}
