/**
 * Style as a check (STYLE §9): sizes, banned words, tests that cannot fail. Exceptions stand in
 * tidy-exceptions.json with a reason; the list may only shrink.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ROOT, readSource, report, sourceFiles } from "./lib/files.ts";
import { stripComments } from "./lib/imports.ts";

const FILE_LINES_MAX = 500;
const TEST_LINES_MAX = 1000;
const FUNCTION_LINES_MAX = 70;
const COLUMNS_MAX = 100;

interface Banned {
  readonly pattern: RegExp;
  readonly say: string;
  /** Means nothing in comments and strings. */
  readonly inCode?: true;
}

const BANNED: readonly Banned[] = [
  { pattern: /\bFIXME\b|\bXXX\b|\bHACK\b/, say: "file an issue instead" },
  { pattern: /\bTODO\b(?!\(#\d+\))/, say: "name its issue in brackets: (#12)" },
  { pattern: /\bas any\b/, say: "give it a type", inCode: true },
  { pattern: /@ts-(?:ignore|nocheck|expect-error)/, say: "fix the type" },
  { pattern: /catch\s*(?:\([^)]*\))?\s*\{\s*\}/, say: "rethrow, return or record the error" },
  { pattern: /\.catch\(\(\)\s*=>\s*(?:\{\s*\}|undefined|null)\)/, say: "record the error" },
  { pattern: /\b(?:describe|it|test)\.(?:only|todo)\b/, say: "no test stands alone or open" },
  { pattern: /^\s*export default\b/, say: "named exports only" },
];

const exceptionsFile = "scripts/tidy-exceptions.json";
const exceptions: Readonly<Record<string, string>> = existsSync(join(ROOT, exceptionsFile))
  ? (JSON.parse(readSource(exceptionsFile)) as Record<string, string>)
  : {};
const unusedExceptions = new Set(Object.keys(exceptions));
const problems: string[] = [];

function complain(rule: string, file: string, line: number, text: string): void {
  const key = `${rule} ${file}`;
  if (key in exceptions) unusedExceptions.delete(key);
  else problems.push(`${file}:${line}: ${text}`);
}

for (const file of sourceFiles(["packages", "scripts", "test"], [".ts", ".js", ".mjs"])) {
  const source = readSource(file);
  const lines = source.split("\n");
  const isTest = /\.test\.ts$/.test(file) || file.startsWith("test/");
  const max = isTest ? TEST_LINES_MAX : FILE_LINES_MAX;
  if (lines.length > max) complain("file", file, 1, `${lines.length} lines, at most ${max}`);
  lines.forEach((line, i) => {
    if (line.length > COLUMNS_MAX && !/https?:|["'`]|^\s*\/\^/.test(line)) {
      complain("line", file, i + 1, `${line.length} columns, at most ${COLUMNS_MAX}`);
    }
  });
  const code = stripComments(source)
    .replace(/"(?:[^"\\\n]|\\.)*"/g, '""')
    .split("\n");
  const isOwnRule = file === "scripts/tidy.ts";
  if (!isOwnRule) {
    lines.forEach((line, i) => {
      for (const { pattern, say, inCode } of BANNED) {
        const hit = pattern.exec(inCode ? (code[i] as string) : line);
        if (hit) complain("banned", file, i + 1, `"${hit[0].trim()}": ${say}`);
      }
    });
  }
  for (const { name, line, length } of longFunctions(source)) {
    if (isTest) continue;
    complain("function", file, line, `${name} has ${length} lines, at most ${FUNCTION_LINES_MAX}`);
  }
  if (/\/src\/index\.ts$/.test(file) && lines.length > 150) {
    complain("index", file, 1, "an index holds re-exports only; split the package");
  }
}
for (const key of unusedExceptions) {
  problems.push(`${exceptionsFile}: "${key}" is not needed any more: remove it`);
}

function isEnd(line: string, end: string): boolean {
  return line.trimEnd() === end || line.startsWith(`${end})`);
}

/** Functions and methods by indentation: the closing brace stands where the head began. */
function longFunctions(source: string): { name: string; line: number; length: number }[] {
  const found: { name: string; line: number; length: number }[] = [];
  const lines = stripComments(source).split("\n");
  const head =
    /^(\s*)(?:export\s+)?(?:(?:async\s+)?function\*?\s+([\w$]+)|(?:static\s+|async\s+|get\s+|set\s+|\*)*(#?[\w$]+)\s*\([^)]*\)?[^;=]*\{\s*$)/;
  for (let i = 0; i < lines.length; i++) {
    const match = head.exec(lines[i] as string);
    if (!match) continue;
    const name = match[2] ?? match[3] ?? "";
    if (["if", "for", "while", "switch", "catch", "function", "describe", "test"].includes(name)) {
      continue;
    }
    const close = `${match[1]}}`;
    for (let j = i + 1; j < lines.length; j++) {
      if (![close, `${close},`, `${close};`].some((end) => isEnd(lines[j] as string, end)))
        continue;
      if (j - i + 1 > FUNCTION_LINES_MAX) found.push({ name, line: i + 1, length: j - i + 1 });
      break;
    }
  }
  return found;
}

report("tidy", problems);
