/** The parts of YAML that stand within a line: quoted text, `[…]`, `{…}` and `key: value`. */
import { object, string, tuple, type Value } from "../values/value.ts";
import { fail } from "./define.ts";

const DOUBLE = /"((?:[^"\\]|\\[\s\S])*)"/y;
const SINGLE = /'((?:[^']|'')*)'/y;
const ESCAPES: Readonly<Record<string, string>> = {
  "0": "\0",
  a: "\x07",
  b: "\b",
  t: "\t",
  n: "\n",
  v: "\v",
  f: "\f",
  r: "\r",
  e: "\x1b",
  N: "\x85",
  _: "\xa0",
  L: "\u2028",
  P: "\u2029",
};

function decodeEscapes(body: string): string {
  const pattern = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]))/g;
  return body.replace(pattern, (_, x?: string, u?: string, long?: string, letter?: string) => {
    const hex = x ?? u ?? long;
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    return ESCAPES[letter ?? ""] ?? letter ?? "";
  });
}

/** `key: rest`, or null when the line is no entry of a map. */
export function splitFlowKey(text: string): { key: string; rest: string } | null {
  for (const pattern of [DOUBLE, SINGLE]) {
    pattern.lastIndex = 0;
    const match = pattern.exec(text);
    if (match === null) continue;
    const colon = /^\s*:(?:\s+|$)/.exec(text.slice(match[0].length));
    if (colon === null) return null;
    const body = match[1] ?? "";
    const key = pattern === DOUBLE ? decodeEscapes(body) : body.replaceAll("''", "'");
    return { key, rest: text.slice(match[0].length + colon[0].length) };
  }
  const plain = /^([^\s[\]{},#&*!|>'"%@`-][^#]*?|-[^\s#][^#]*?)\s*:(?:\s+|$)/.exec(text);
  if (plain === null) return null;
  return { key: plain[1] ?? "", rest: text.slice(plain[0].length) };
}

/** Reads one value; null when it goes on in the next line. */
export class FlowReader {
  /** Whether the next line continues plain or quoted text. */
  needsSpace = false;
  readonly #text: string;
  readonly #scalar: (given: string) => Value;
  #at = 0;

  constructor(text: string, scalar: (given: string) => Value) {
    this.#text = text;
    this.#scalar = scalar;
  }

  read(): Value | null {
    const first = this.#text[0];
    if (first !== "[" && first !== "{" && first !== '"' && first !== "'") {
      return this.#scalar(this.#text.replace(/\s+#.*$/, "").trim());
    }
    const value = this.#value("");
    if (value === null) return null;
    const rest = this.#text.slice(this.#at).trim();
    if (rest !== "" && !rest.startsWith("#")) fail("did not find expected <document start>");
    return value;
  }

  #space(): void {
    while (/\s/.test(this.#text[this.#at] ?? "")) this.#at += 1;
  }

  #value(stop: string): Value | null {
    this.#space();
    const first = this.#text[this.#at];
    if (first === undefined) return null;
    if (first === "[") return this.#list();
    if (first === "{") return this.#map();
    if (first === '"' || first === "'") return this.#quoted(first === '"' ? DOUBLE : SINGLE);
    const end = this.#text.slice(this.#at).search(new RegExp(`[,${stop}]|:\\s|$`));
    const plain = this.#text.slice(this.#at, this.#at + end);
    this.#at += end;
    return this.#scalar(plain.trim());
  }

  #quoted(pattern: RegExp): Value | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) {
      this.needsSpace = true;
      return null;
    }
    this.#at += match[0].length;
    const body = match[1] ?? "";
    return string(pattern === DOUBLE ? decodeEscapes(body) : body.replaceAll("''", "'"));
  }

  #list(): Value | null {
    const elements: Value[] = [];
    this.#at += 1;
    for (;;) {
      this.#space();
      if (this.#text[this.#at] === "]") break;
      const value = this.#value("\\]");
      if (value === null) return null;
      elements.push(value);
      this.#space();
      if (this.#text[this.#at] === ",") this.#at += 1;
      else if (this.#text[this.#at] !== "]") return null;
    }
    this.#at += 1;
    return tuple(elements);
  }

  #map(): Value | null {
    const entries = new Map<string, Value>();
    this.#at += 1;
    for (;;) {
      this.#space();
      if (this.#text[this.#at] === "}") break;
      const key = this.#value("}");
      if (key === null) return null;
      this.#space();
      let value: Value | null = this.#scalar("");
      if (this.#text[this.#at] === ":") {
        this.#at += 1;
        value = this.#value("}");
      }
      if (value === null) return null;
      entries.set(String(key.data), value);
      this.#space();
      if (this.#text[this.#at] === ",") this.#at += 1;
      else if (this.#text[this.#at] !== "}") return null;
    }
    this.#at += 1;
    return object(entries);
  }
}
