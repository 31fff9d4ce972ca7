/** Job files for `/v1/jobs/parse`. A caller must not read this machine's files through it. */
import { createHash, randomBytes } from "node:crypto";
import { formatDiagnostics, type JobFileHost, parseJobFile } from "@drover/jobspec";
import type { JobInput } from "@drover/model";

const FILE_NAME = "input.hcl";

const host: JobFileHost = {
  allowFiles: false,
  readFile: () => ({ ok: false, message: "filesystem function disabled" }),
  fileExists: () => false,
  listFiles: () => [],
  workingDirectory: "/",
  homeDirectory: null,
  hash: (algorithm, bytes) => createHash(algorithm).update(bytes).digest(),
  randomBytes: (count) => randomBytes(count),
  rsaDecrypt: () => null,
  bcrypt: () => null,
};

/** `variables` is the text of a variable file; "" = none. */
export function parseSource(
  source: string,
  variables: string,
): { readonly job: JobInput | null; readonly error: string } {
  const varFiles = variables === "" ? [] : [{ name: "variables.hcl", text: variables }];
  const parsed = parseJobFile({
    text: source,
    fileName: FILE_NAME,
    variables: { flags: [], varFiles, env: {} },
    host,
  });
  return { job: parsed.job, error: parsed.job ? "" : formatDiagnostics(parsed) };
}
