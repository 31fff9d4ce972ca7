/**
 * Rules and tests know each other: every rule of a SPEC.md is in the name of a test of its package
 * (`test("[D7] …")`), and every rule in brackets stands in a SPEC.md of that package. Where a
 * CONFORMANCE.md lists the sections of a paper, each row has a test that exists and names the
 * section, or says why there is none, and each test that names a section is in a row.
 */
import { readSource, report, sourceFiles } from "./lib/files.ts";

const packageOf = (file: string) => file.split("/").slice(0, 2).join("/");
/** Where a rule is stated: in bold, or alone in the first cell of a table's row. */
const STATED = /\*\*((?:[A-Z]\d+)(?:, [A-Z]\d+)*)\*\*|^\| ((?:[A-Z]\d+)(?:, [A-Z]\d+)*) \|/gm;
/** Where a test names rules: at the beginning of a text. */
const NAMED = /["`]\[((?:[A-Z]\d+)(?: [A-Z]\d+)*)\] /g;
/** A row of a paper's rules: its section, and the tests in its last cell. */
const SECTION_ROW = /^\| (T?§[\d.]+) \| [^|]+ \| ([^|]+) \|$/gm;
const TITLE = /\btest\("((?:\[[A-Z]\d+\] )?[^"]*)"/g;

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
for (const file of sourceFiles(["packages"], ["CONFORMANCE.md"])) checkSections(file);
report("specs", problems);

function checkSections(file: string): void {
  const titles = sourceFiles([packageOf(file)], [".test.ts"]).flatMap((each) =>
    [...readSource(each).matchAll(TITLE)].map(([, title = ""]) => title),
  );
  const listed = new Set<string>();
  for (const [, section = "", cell = ""] of readSource(file).matchAll(SECTION_ROW)) {
    const tests = [...cell.matchAll(/`([^`]+)`/g)].map(([, title = ""]) => title);
    if (tests.length === 0 && !cell.startsWith("not in this package")) {
      problems.push(`${file}: a rule of ${section} has neither a test nor a reason`);
    }
    for (const title of tests) {
      listed.add(title);
      if (!titles.includes(title)) problems.push(`${file}: no test is named "${title}"`);
    }
    const sections = tests.flatMap((title) => title.match(/T?§[\d.]+/g) ?? []);
    if (tests.length > 0 && !sections.includes(section)) {
      problems.push(`${file}: no test of ${section} names it: ${tests.join(", ")}`);
    }
  }
  for (const title of titles) {
    if (/^(?:\[\w+\] )?T?§/.test(title) && !listed.has(title)) {
      problems.push(`${file}: no row has the test "${title}"`);
    }
  }
}
