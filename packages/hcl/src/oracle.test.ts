/**
 * Compares what is accepted with another implementation. It takes half a second and much memory
 * to load, so it runs only when asked for: DROVER_ORACLE=1.
 */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { parseFile } from "./syntax/parse.ts";

const REPOSITORY = fileURLToPath(new URL("../../../", import.meta.url));
const SHARED = process.env.DROVER_SHARED ?? join(REPOSITORY, "..", "shared");

test("another implementation accepts the same files", async () => {
  const directories = ["parse", "errors"].map((part) => join(SHARED, "reference/jobspec", part));
  if (process.env.DROVER_ORACLE !== "1" || !directories.every((each) => existsSync(each))) {
    console.log("skipped: set DROVER_ORACLE=1 to compare with hcl2json");
    return;
  }
  const { parse } = await import("@cdktn/hcl2json");
  let compared = 0;
  for (const directory of directories) {
    for (const file of readdirSync(directory).filter((name) => name.endsWith(".hcl"))) {
      const text = readFileSync(join(directory, file), "utf8");
      const problem = await parse(file, text).then(
        () => "",
        (error: Error) => error.message,
      );
      const { diagnostics } = parseFile({ name: file, text });
      // Problems without a place come from its conversion to JSON, not from the syntax.
      const isRefused = /:\d+,\d+/.test(problem);
      assert.equal(diagnostics.length > 0, isRefused, `${file}: ${problem}`);
      compared += 1;
    }
  }
  console.log(`compared ${compared} files with hcl2json`);
});
