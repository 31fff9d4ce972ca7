/** Values as JSON text, and back. */
import { fromInteger, parseNumber } from "../values/number.ts";
import { formatNumber } from "../values/number-text.ts";
import {
  bool,
  elementsOf,
  entriesOf,
  NULL,
  number,
  numberOf,
  object,
  sortedKeys,
  string,
  tuple,
  type Value,
} from "../values/value.ts";
import { fail } from "./define.ts";
import { jsonProblem } from "./json-problem.ts";

const ESCAPED = /[<>&\u2028\u2029]/g;

/** Keys in order, what means something in HTML escaped. Fails for what JSON cannot say. */
export function encodeJson(value: Value): string {
  if (value.data === null) return "null";
  switch (value.type.kind) {
    case "number": {
      const given = numberOf(value);
      return given.infinite ? fail("cannot serialize infinity as JSON") : formatNumber(given);
    }
    case "string":
      return quoteJson(String(value.data));
    case "list":
    case "set":
    case "tuple":
      return `[${elementsOf(value).map(encodeJson).join(",")}]`;
    case "map":
    case "object": {
      const entries = entriesOf(value);
      const members = sortedKeys(entries).map((key) => {
        return `${quoteJson(key)}:${encodeJson(entries.get(key) ?? NULL)}`;
      });
      return `{${members.join(",")}}`;
    }
    default:
      return String(value.data);
  }
}

export function quoteJson(given: string): string {
  return JSON.stringify(given).replace(ESCAPED, (each) => {
    return `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** Numbers keep all their digits, so the platform's parser does not do. */
export function decodeJson(text: string): Value {
  const problem = jsonProblem(text, "stream");
  if (problem !== null) fail(problem);
  return new JsonReader(text).value();
}

const STRING_TOKEN = /"(?:[^"\\]|\\.)*"/y;
const NUMBER_TOKEN = /-?[\d.eE+-]+/y;
const WORD = /true|false|null/y;

/** Reads text that is known to be JSON. */
class JsonReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  /** The next character that is no white space; it is read when it is the wanted one. */
  #next(wanted?: string): string | undefined {
    while (/[ \t\r\n]/.test(this.#text[this.#at] ?? "")) this.#at += 1;
    const found = this.#text[this.#at];
    if (wanted !== undefined && found === wanted) this.#at += 1;
    return found;
  }

  value(): Value {
    const first = this.#next();
    if (first === "{") return this.#object();
    if (first === "[") return this.#array();
    if (first === '"') return string(this.#string());
    const word = this.#take(WORD);
    if (word !== "") return word === "null" ? NULL : bool(word === "true");
    return number(parseNumber(this.#take(NUMBER_TOKEN)) ?? fromInteger(0));
  }

  #string(): string {
    return JSON.parse(this.#take(STRING_TOKEN)) as string;
  }

  #object(): Value {
    const entries = new Map<string, Value>();
    this.#at += 1;
    while (this.#next("}") !== "}") {
      const key = this.#string();
      this.#next(":");
      entries.set(key, this.value());
      this.#next(",");
    }
    return object(entries);
  }

  #array(): Value {
    const elements: Value[] = [];
    this.#at += 1;
    while (this.#next("]") !== "]") {
      elements.push(this.value());
      this.#next(",");
    }
    return tuple(elements);
  }
}
