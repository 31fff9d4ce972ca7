/** `regex_replace`: patterns of the RE2 kind, run by the platform's engine. */
import { string, stringOf, type Value } from "../values/value.ts";
import { define, type Entry, fail, text } from "./define.ts";

export function regexFunctions(): Entry[] {
  return [define("regex_replace", [text("str"), text("pattern"), text("replace")], replace)];
}

function replace(value: Value, pattern: Value, replacement: Value): Value {
  const regex = compile(stringOf(pattern));
  const template = stringOf(replacement);
  const replaced = stringOf(value).replace(regex, (match: string, ...rest: unknown[]) => {
    const last = rest.at(-1);
    const named = typeof last === "object" && last !== null ? (last as Record<string, string>) : {};
    const groups = rest.slice(
      0,
      rest.findIndex((each) => typeof each === "number"),
    );
    return expand(template, [match, ...groups.map((each) => String(each ?? ""))], named);
  });
  return string(replaced);
}

/** `$1`, `${1}`, `$name` and `$$`; a name takes as many letters and digits as follow. */
function expand(
  template: string,
  groups: readonly string[],
  named: Readonly<Record<string, string>>,
): string {
  return template.replace(/\$(?:\$|(\w+)|\{(\w+)\})/g, (_, bare?: string, braced?: string) => {
    const name = bare ?? braced;
    if (name === undefined) return "$";
    return (/^\d+$/.test(name) ? groups[Number(name)] : named[name]) ?? "";
  });
}

function compile(pattern: string): RegExp {
  const flags = /^\(\?([ims]+)\)/.exec(pattern);
  const body = pattern
    .slice(flags?.[0].length ?? 0)
    .replaceAll("(?P<", "(?<")
    .replaceAll("\\A", "^")
    .replaceAll("\\z", "$");
  const names = `gu${flags?.[1] ?? ""}`;
  try {
    return new RegExp(body, [...new Set(names)].join(""));
  } catch (error) {
    return fail(`error parsing regexp: ${error instanceof Error ? error.message : "invalid"}`);
  }
}
