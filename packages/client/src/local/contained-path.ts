/** Paths that users give must stay in the directory they are relative to, links included. */
import { type FileHandle, lstat, open, readlink, realpath } from "node:fs/promises";
import { relative, resolve, sep } from "node:path";
import { DroverError } from "@drover/base";

/** Throws `path-escapes` when `path` leaves `root` (spec chapter 8 §8.3). Follows no links. */
export function resolveInside(root: string, path: string): string {
  const full = resolve(root, `./${path}`);
  if (isInside(root, full)) return full;
  throw escapes();
}

/** Resolves links too. Throws `path-escapes`, `not-found`. */
export async function resolveExisting(root: string, path: string): Promise<string> {
  const full = resolveInside(root, path);
  const real = await orNotFound(full, () => realpath(full));
  if (!isInside(await realpath(root), real)) throw escapes();
  return full;
}

/**
 * Opens a regular file for reading. A task may swap a file for a link while we look, so what counts
 * is where the open file is, not where its name led a moment before.
 */
export async function openInside(root: string, path: string): Promise<FileHandle> {
  const full = await resolveExisting(root, path);
  refuseSecrets(root, full);
  const found = await orNotFound(full, () => lstat(full));
  if (found.isFIFO() || found.isSocket() || found.isDirectory()) {
    throw new DroverError("not-a-file", `${full} is not a file`);
  }
  const file = await orNotFound(full, () => open(full, "r"));
  const actual = await readlink(`/proc/self/fd/${file.fd}`);
  if (isInside(await realpath(root), actual)) return file;
  await file.close();
  throw escapes();
}

/** `<task>/secrets` is for the task alone. */
function refuseSecrets(root: string, full: string): void {
  const parts = relative(root, full).split(sep);
  if (parts[1] !== "secrets" && parts[1] !== "private") return;
  throw new DroverError("secret", `Reading secret file prohibited: ${parts.join("/")}`);
}

function isInside(root: string, path: string): boolean {
  return path === root || path.startsWith(root + sep);
}

function escapes(): DroverError {
  return new DroverError("path-escapes", "Path escapes the alloc directory");
}

async function orNotFound<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "ENOENT" && code !== "ENOTDIR") throw error;
    const text = `stat ${path}: no such file or directory`;
    throw new DroverError("not-found", text, { cause: error });
  }
}
