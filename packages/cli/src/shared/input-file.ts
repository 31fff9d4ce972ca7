/** Files that commands are given, with their errors worded as users know them. */
import { readFile } from "node:fs/promises";

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "open %: no such file or directory",
  EACCES: "open %: permission denied",
  ENOTDIR: "open %: not a directory",
  EISDIR: "read %: is a directory",
};

/** `name` stands in the error: the path as it was written. */
export async function readInputFile(path: string, name: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const reason = REASONS[(error as NodeJS.ErrnoException).code ?? ""];
    if (reason === undefined) throw error;
    throw new Error(
      reason.replace("%", () => name),
      { cause: error },
    );
  }
}
