/**
 * Rules and tests know each other: every rule of a SPEC.md is in the name of a test of its package
 * (`test("[D7] …")`), and every rule in brackets stands in a SPEC.md of that package.
 */
import { readSource, report, sourceFiles } from "./lib/files.ts";

const packageOf = (file: string) => file.split("/").slice(0, 2).join("/");
/** Where a rule is stated: in bold, or alone in the first cell of a table's row. */
const STATED = /\*\*((?:[A-Z]\d+)(?:, [A-Z]\d+)*)\*\*|^\| ((?:[A-Z]\d+)(?:, [A-Z]\d+)*) \|/gm;
/** Where a test names rules: at the beginning of a text. */
const NAMED = /["`]\[((?:[A-Z]\d+)(?: [A-Z]\d+)*)\] /g;

const problems: string[] = [];
const rules = new Map<string, Map<string, string>>();
for (const file of sourceFiles(["packages"], ["SPEC.md"])) {
  const known = rules.get(packageOf(file)) ?? new Map<string, string>();
  rules.set(packageOf(file), known);
  for (const [, bold, cell] of readSource(file).matchAll(STATED)) {
    for (const rule of (bold ?? cell ?? "").split(", ")) {
      if (known.has(rule)) problems.push(`${file}: ${rule} is stated twice`);
      known.set(rule, file);
    }
  }
}
const named = new Map<string, Set<string>>();
for (const file of sourceFiles(["packages"], [".test.ts"])) {
  const here = named.get(packageOf(file)) ?? new Set<string>();
  named.set(packageOf(file), here);
  for (const [, list = ""] of readSource(file).matchAll(NAMED)) {
    for (const rule of list.split(" ")) {
      here.add(rule);
      if (rules.get(packageOf(file))?.has(rule)) continue;
      problems.push(`${file}: [${rule}] stands in no SPEC.md of ${packageOf(file)}`);
    }
  }
}
for (const [name, known] of rules) {
  for (const [rule, file] of known) {
    if (!named.get(name)?.has(rule)) problems.push(`${file}: no test is named [${rule}]`);
  }
}
report("specs", problems);
