/** Paths that users give must stay in the directory they are relative to. */
import { resolve, sep } from "node:path";
import { DroverError } from "@drover/base";

/** Throws `path-escapes` when `path` leaves `root` (spec chapter 8 §8.3). Links are not followed. */
export function resolveInside(root: string, path: string): string {
  const full = resolve(root, `./${path}`);
  if (full === root || full.startsWith(root + sep)) return full;
  throw new DroverError("path-escapes", "Path escapes the alloc directory");
}
