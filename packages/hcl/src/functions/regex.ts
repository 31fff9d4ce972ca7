/** `regex_replace`: patterns of the RE2 kind, run by the platform's engine. */
import { string, stringOf, type Value } from "../values/value.ts";
import { define, type Entry, fail, text } from "./define.ts";

export function regexFunctions(): Entry[] {
  return [define("regex_replace", [text("str"), text("pattern"), text("replace")], replace)];
}

function replace(value: Value, pattern: Value, replacement: Value): Value {
  const regex = compile(stringOf(pattern));
  const template = stringOf(replacement);
  const given = stringOf(value);
  let result = "";
  let at = 0;
  let lastEnd = -1;
  for (const match of given.matchAll(regex)) {
    const end = match.index + match[0].length;
    // An empty match right behind the one before is none.
    if (match[0] === "" && match.index === lastEnd) continue;
    const groups = match.map((group) => group ?? "");
    result += given.slice(at, match.index) + expand(template, groups, match.groups ?? {});
    at = end;
    lastEnd = end;
  }
  return string(result + given.slice(at));
}

/** `$1`, `${1}`, `$name` and `$$`; a name takes as many letters and digits as follow. */
function expand(
  template: string,
  groups: readonly string[],
  named: Readonly<Record<string, string | undefined>>,
): string {
  return template.replace(/\$(?:\$|(\w+)|\{(\w+)\})/g, (_, bare?: string, braced?: string) => {
    const name = bare ?? braced;
    if (name === undefined) return "$";
    return (/^\d+$/.test(name) ? groups[Number(name)] : named[name]) ?? "";
  });
}

const CLASSES: Readonly<Record<string, string>> = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  ascii: "\\x00-\\x7f",
  blank: "\\t ",
  cntrl: "\\x00-\\x1f\\x7f",
  digit: "0-9",
  graph: "!-~",
  lower: "a-z",
  print: " -~",
  punct: "!-\\/:-@\\[-`{-~",
  space: "\\t\\n\\v\\f\\r ",
  upper: "A-Z",
  word: "0-9A-Za-z_",
  xdigit: "0-9A-Fa-f",
};
const REPEAT_MAX = 1000;

/** Mistakes that are found by their looks; the first group is what the message shows. */
const MISTAKES: readonly (readonly [pattern: RegExp, message: string])[] = [
  [/(\(\?(?:<?[=!]|>))/, "invalid or unsupported Perl syntax"],
  [/^(?:[^\\]|\\.)*?([*+?]{2,}|[*+?][*+])(?!\?)/, "invalid nested repetition operator"],
  [/^([*+?])/, "missing argument to repetition operator"],
  [/[(|]([*+])/, "missing argument to repetition operator"],
  [/(?:^|[^\\])(\\[^\w\s\p{P}\p{S}]|\\[cegijkloqyGHIJKLMNOPRTUVXYZ])/u, "invalid escape sequence"],
  [/(\[(?:[^\]\\]|\\.)*)$/, "missing closing ]"],
];

function compile(pattern: string): RegExp {
  checkRepeats(pattern);
  for (const [looks, message] of MISTAKES) {
    const found = looks.exec(pattern)?.[1];
    if (found !== undefined) failParsing(message, found);
  }
  const flags = /^\(\?([ims]+)\)/.exec(pattern);
  const body = pattern
    .slice(flags?.[0].length ?? 0)
    .replaceAll("(?P<", "(?<")
    .replace(/\[:(\w+):\]/g, (whole, name: string) => CLASSES[name] ?? whole)
    .replaceAll("\\A", "^")
    .replaceAll("\\z", "$");
  try {
    return new RegExp(body, [...new Set(`gu${flags?.[1] ?? ""}`)].join(""));
  } catch (error) {
    return failParsing(...explain(error instanceof Error ? error.message : "", pattern));
  }
}

function failParsing(message: string, shown: string): never {
  return fail(`error parsing regexp: ${message}: \`${shown}\``);
}

function checkRepeats(pattern: string): void {
  for (const [whole, min = "", max = ""] of pattern.matchAll(/\{(\d+)(?:,(\d*))?\}/g)) {
    const upper = max === "" ? Number(min) : Number(max);
    if (Number(min) > upper || upper > REPEAT_MAX) failParsing("invalid repeat count", whole);
  }
}

function explain(message: string, pattern: string): [message: string, shown: string] {
  if (/Unterminated group/.test(message)) return ["missing closing )", pattern];
  if (/Unmatched '\)'/.test(message)) return ["unexpected )", pattern];
  const range = /[^[\]]-[^[\]]/.exec(pattern)?.[0];
  if (/out of order in character class/.test(message) && range !== undefined) {
    return ["invalid character class range", range];
  }
  return ["invalid syntax", pattern];
}
