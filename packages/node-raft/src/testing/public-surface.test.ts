/**
 * Nothing that users of this package see changes unnoticed. UPDATE=1 writes the file anew; its
 * difference belongs into the change's review.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { publicSurface } from "./public-surface.ts";

const SURFACE = join(import.meta.dirname, "../../public-surface.txt");

test("the public surface is the one on record", () => {
  const surface = publicSurface(["index", "ws/index"]);
  assert.match(surface, /function openRaftNode<R>\(options: OpenRaftOptions<R>\)/);
  if (process.env.UPDATE === "1") writeFileSync(SURFACE, surface);
  assert.equal(surface, readFileSync(SURFACE, "utf8"));
});
