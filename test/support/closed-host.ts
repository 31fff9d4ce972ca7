/** For job files that ask nothing of the machine. */
import type { JobFileHost } from "@drover/jobspec";

export const CLOSED_HOST: JobFileHost = {
  allowFiles: false,
  readFile: (path) => ({ ok: false, message: `${path} is not to be read` }),
  fileExists: () => false,
  listFiles: () => [],
  workingDirectory: "/",
  homeDirectory: null,
  hash: () => new Uint8Array(),
  randomBytes: (count) => new Uint8Array(count),
  rsaDecrypt: () => null,
  bcrypt: () => null,
};
