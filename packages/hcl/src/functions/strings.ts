/** Functions on text. */
import { graphemes } from "../source.ts";
import { listOf, STRING } from "../values/type.ts";
import {
  compareText,
  elementsOf,
  integer,
  isNull,
  list,
  string,
  stringOf,
  type Value,
} from "../values/value.ts";
import {
  define,
  defineVariadic,
  type Entry,
  fail,
  num,
  parameter,
  text,
  wholeOf,
} from "./define.ts";

/** One argument that is text, and a result that is. */
function textFunction(name: string, apply: (given: string) => string): Entry {
  return define(name, [text("str")], (value) => string(apply(stringOf(value))));
}

export function stringFunctions(): Entry[] {
  return [
    textFunction("chomp", (given) => given.replace(/[\r\n]+$/, "")),
    textFunction("lower", (given) => changeCase(given, (each) => each.toLowerCase())),
    textFunction("upper", (given) => changeCase(given, (each) => each.toUpperCase())),
    textFunction("title", titleCase),
    textFunction("trimspace", (given) => given.trim()),
    textFunction("strrev", (given) => graphemes(given).reverse().join("")),
    textFunction("reverse", (given) => graphemes(given).reverse().join("")),
    textFunction("urlencode", urlEncode),
    define("strlen", [text("str")], (value) => integer(graphemes(stringOf(value)).length)),
    define("substr", [text("str"), num("offset"), num("length")], substring),
    define("indent", [num("spaces"), text("str")], (spaces, value) => {
      const padding = " ".repeat(Math.max(0, wholeOf(spaces, null)));
      return string(stringOf(value).replaceAll("\n", `\n${padding}`));
    }),
    define("trim", [text("str"), text("cutset")], (value, cutset) => {
      return string(trim(stringOf(value), new Set(stringOf(cutset))));
    }),
    define("trimprefix", [text("str"), text("prefix")], (value, prefix) => {
      const given = stringOf(value);
      const start = stringOf(prefix);
      return string(given.startsWith(start) ? given.slice(start.length) : given);
    }),
    define("trimsuffix", [text("str"), text("suffix")], (value, suffix) => {
      const given = stringOf(value);
      const end = stringOf(suffix);
      return string(given.endsWith(end) ? given.slice(0, given.length - end.length) : given);
    }),
    define("replace", [text("str"), text("substr"), text("replace")], (value, from, to) => {
      return string(replaceAll(stringOf(value), stringOf(from), stringOf(to)));
    }),
    define("split", [text("separator"), text("str")], (separator, value) => {
      const given = stringOf(value);
      const at = stringOf(separator);
      const parts = at === "" ? [...given] : given.split(at);
      return list(STRING, parts.map(string));
    }),
    defineVariadic("join", [text("separator")], parameter("lists", listOf(STRING)), joinLists),
    define("sort", [parameter("list", listOf(STRING))], (value) => {
      const nullAt = elementsOf(value).findIndex(isNull);
      if (nullAt !== -1) {
        fail(`given list element ${nullAt} is null; a null string cannot be sorted`);
      }
      const sorted = [...elementsOf(value)].sort((a, b) => compareText(stringOf(a), stringOf(b)));
      return list(STRING, sorted);
    }),
  ];
}

/** Characters whose other case is longer keep theirs. */
function changeCase(given: string, change: (each: string) => string): string {
  return Array.from(given, (each) => {
    const [first = each, ...rest] = change(each);
    const isMark = rest.every((mark) => /\p{M}/u.test(mark));
    return isMark ? first : each;
  }).join("");
}

function titleCase(given: string): string {
  let afterSeparator = true;
  return Array.from(given, (each) => {
    const result = afterSeparator ? changeCase(each, (one) => one.toUpperCase()) : each;
    afterSeparator = /[\p{L}\p{N}_]/u.test(each) ? false : each < "\x80" || /\s/u.test(each);
    return result;
  }).join("");
}

function urlEncode(given: string): string {
  return encodeURIComponent(given)
    .replace(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");
}

function substring(value: Value, offsetValue: Value, lengthValue: Value): Value {
  const parts = graphemes(stringOf(value));
  const given = wholeOf(offsetValue, null);
  const length = wholeOf(lengthValue, null);
  const offset = given < 0 ? Math.max(0, parts.length + given) : given;
  if (offset > parts.length || length === 0) return string("");
  const end = length < 0 ? parts.length : offset + length;
  return string(parts.slice(offset, end).join(""));
}

/** Replacing nothing puts the text between all characters, and at both ends. */
function replaceAll(given: string, from: string, to: string): string {
  return from === "" ? ["", ...given, ""].join(to) : given.split(from).join(to);
}

function trim(given: string, cutset: ReadonlySet<string>): string {
  const characters = [...given];
  let start = 0;
  let end = characters.length;
  while (start < end && cutset.has(characters[start] ?? "")) start += 1;
  while (end > start && cutset.has(characters[end - 1] ?? "")) end -= 1;
  return characters.slice(start, end).join("");
}

function joinLists(args: readonly Value[]): Value {
  const [separator, ...lists] = args;
  if (separator === undefined || lists.length === 0) fail("at least one list is required");
  const parts = lists.flatMap((each, i) => {
    return elementsOf(each).map((element) => {
      if (element.data === null) fail("element 0 is null; cannot concatenate null values", i + 1);
      return stringOf(element);
    });
  });
  return string(parts.join(stringOf(separator)));
}
