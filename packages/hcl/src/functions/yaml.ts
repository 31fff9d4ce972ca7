/** `yamlencode` and `yamldecode`. */
import { formatNumber } from "../values/number-text.ts";
import {
  elementsOf,
  entriesOf,
  NULL,
  numberOf,
  sortedKeys,
  string,
  stringOf,
  type Value,
} from "../values/value.ts";
import { anyOrNull, define, type Entry, text } from "./define.ts";
import { decodeYaml } from "./yaml-decode.ts";

export function yamlFunctions(): Entry[] {
  return [
    define("yamlencode", [anyOrNull("value")], (value) =>
      string(`${encode(value, 0).trimStart()}\n`),
    ),
    define("yamldecode", [text("src")], (value) => decodeYaml(stringOf(value))),
  ];
}

/**
 * Text that follows `key:` or `-` directly: a scalar begins with a space, a collection with a
 * line break. Lists inside a map are not indented further.
 */
function encode(value: Value, indent: number): string {
  const padding = " ".repeat(indent);
  if (value.data === null) return " null";
  switch (value.type.kind) {
    case "number":
      return ` ${formatNumber(numberOf(value))}`;
    case "string":
      return ` ${encodeString(stringOf(value), indent)}`;
    case "list":
    case "set":
    case "tuple": {
      const elements = elementsOf(value);
      if (elements.length === 0) return " []";
      return elements.map((each) => `\n${padding}-${encodeItem(each, indent + 2)}`).join("");
    }
    case "map":
    case "object": {
      const entries = entriesOf(value);
      if (entries.size === 0) return " {}";
      const lines = sortedKeys(entries).map((key) => {
        const entry = entries.get(key) ?? NULL;
        const isMap = entry.data instanceof Map;
        const text = encode(entry, isMap || entry.type.kind === "string" ? indent + 2 : indent);
        return `\n${padding}${JSON.stringify(key)}:${text}`;
      });
      return lines.join("");
    }
    default:
      return ` ${String(value.data)}`;
  }
}

/** The first entry of a collection stands on the line of the dash. */
function encodeItem(value: Value, indent: number): string {
  const encoded = encode(value, indent);
  return encoded.startsWith("\n") ? ` ${encoded.slice(1 + indent)}` : encoded;
}

function encodeString(given: string, indent: number): string {
  if (!given.includes("\n")) return JSON.stringify(given);
  const padding = " ".repeat(Math.max(indent, 2));
  const trailing = /\n*$/.exec(given)?.[0].length ?? 0;
  const sign = trailing === 0 ? "|-" : trailing === 1 ? "|" : "|+";
  const lines = given.replace(/\n$/, "").split("\n");
  return [sign, ...lines.map((line) => (line === "" ? "" : padding + line))].join("\n");
}
