/** Values as JSON text, and back. */
import { formatNumber, parseNumber } from "../values/number.ts";
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

const ESCAPED = /[<>&\u2028\u2029]/g;

/** Keys in order, and the characters that mean something in HTML escaped. */
export function encodeJson(value: Value): string {
  if (value.data === null) return "null";
  switch (value.type.kind) {
    case "number":
      return formatNumber(numberOf(value));
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
  const reader = new JsonReader(text);
  return reader.whole();
}

const STRING_TOKEN = /"(?:[^"\\\p{Cc}]|[\x7f-\x9f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;
const NUMBER_TOKEN = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;

class JsonReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): Value {
    const value = this.#value();
    this.#space();
    if (this.#at < this.#text.length) fail("extraneous data after JSON object");
    return value;
  }

  #space(): void {
    while (/[ \t\r\n]/.test(this.#text[this.#at] ?? "")) this.#at += 1;
  }

  #take(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? null;
    if (found !== null) this.#at += found.length;
    return found;
  }

  #unexpected(): never {
    const character = this.#text[this.#at];
    if (character === undefined) fail("EOF");
    fail(`invalid character '${character}'`);
  }

  #value(): Value {
    this.#space();
    const first = this.#text[this.#at];
    if (first === "{") return this.#object();
    if (first === "[") return this.#array();
    if (first === '"') return string(this.#string());
    const word = this.#take(WORD);
    if (word !== null) return word === "null" ? NULL : bool(word === "true");
    const parsed = parseNumber(this.#take(NUMBER_TOKEN) ?? "");
    return parsed === null ? this.#unexpected() : number(parsed);
  }

  #string(): string {
    const token = this.#take(STRING_TOKEN);
    return token === null ? this.#unexpected() : (JSON.parse(token) as string);
  }

  #punctuation(...allowed: string[]): string {
    this.#space();
    const found = this.#text[this.#at];
    if (found === undefined || !allowed.includes(found)) return this.#unexpected();
    this.#at += 1;
    return found;
  }

  #object(): Value {
    const entries = new Map<string, Value>();
    this.#at += 1;
    this.#space();
    if (this.#text[this.#at] === "}") {
      this.#at += 1;
      return object(entries);
    }
    do {
      this.#space();
      const key = this.#string();
      this.#punctuation(":");
      entries.set(key, this.#value());
    } while (this.#punctuation(",", "}") === ",");
    return object(entries);
  }

  #array(): Value {
    const elements: Value[] = [];
    this.#at += 1;
    this.#space();
    if (this.#text[this.#at] === "]") {
      this.#at += 1;
      return tuple(elements);
    }
    do elements.push(this.#value());
    while (this.#punctuation(",", "]") === ",");
    return tuple(elements);
  }
}
