/**
 * The deciding packages get time and randomness as arguments (STYLE §4): a clock or a dice in them
 * makes replicas differ and simulations lie. The compiler refuses timers, `process` and `fetch`;
 * these three it cannot.
 */
import { readSource, report, sourceFiles } from "./lib/files.ts";
import { stripComments } from "./lib/imports.ts";
import { LAYERS } from "./lib/layers.ts";

const FORBIDDEN: readonly { readonly pattern: RegExp; readonly instead: string }[] = [
  { pattern: /\bDate\.now\s*\(/, instead: "an injected `now`" },
  { pattern: /\bnew\s+Date\s*\(\s*\)/, instead: "an injected `now`" },
  { pattern: /\bMath\.random\s*\(/, instead: "an injected `Random`" },
  { pattern: /\bcrypto\.\w+/, instead: "ids minted by the proposer" },
  { pattern: /\bperformance\.now\s*\(/, instead: "an injected `now`" },
];

const problems: string[] = [];
for (const file of sourceFiles(["packages"], [".ts"])) {
  const [, folder = ""] = file.split("/");
  const isCore = LAYERS[folder]?.pure === true || file.startsWith("packages/node-raft/src/core/");
  if (!isCore || file.endsWith(".test.ts")) continue;
  stripComments(readSource(file))
    .split("\n")
    .forEach((line, i) => {
      for (const { pattern, instead } of FORBIDDEN) {
        const hit = pattern.exec(line);
        if (hit)
          problems.push(`${file}:${i + 1}: ${hit[0].trim()} in a pure package; use ${instead}`);
      }
    });
}
report("purity", problems);
