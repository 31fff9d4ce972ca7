/** What the checks read: the repository's own sources. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** Files that git tracks or would track, below the given folders. */
export function sourceFiles(folders: readonly string[], extensions: readonly string[]): string[] {
  const listed = execFileSync(
    "git",
    // A checkout may belong to another user than the one who checks it.
    [
      "-c",
      "safe.directory=*",
      "ls-files",
      "--cached",
      "--others",
      "--exclude-standard",
      "--",
      ...folders,
    ],
    { cwd: ROOT, encoding: "utf8", maxBuffer: 64 << 20 },
  );
  return listed
    .split("\n")
    .filter((file) => extensions.some((extension) => file.endsWith(extension)))
    .filter((file) => existsSync(join(ROOT, file)));
}

export function readSource(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

/** Prints what was found and ends the process accordingly. */
export function report(check: string, problems: readonly string[]): void {
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) {
    console.error(`${check}: ${problems.length} problem${problems.length === 1 ? "" : "s"}`);
    process.exit(1);
  }
  console.log(`${check}: ok`);
}
