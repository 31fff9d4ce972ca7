/** Says what is wrong with text that is no JSON, in the words that users of the API know. */

const SPACE = /[ \t\r\n]*/y;
const STRING_BODY = /(?:[^"\\\p{Cc}]|[\x7f-\x9f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/uy;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

class Problem extends Error {}

/**
 * "document": one value, and nothing after it. "stream": as a reader finds out that looks at one
 * token after the other, and which leaves brackets after the value alone.
 */
export type JsonMode = "document" | "stream";

/** Null when the text is JSON. */
export function jsonProblem(text: string, mode: JsonMode): string | null {
  try {
    new Checker(text, mode).whole();
    return null;
  } catch (error) {
    if (error instanceof Problem) return error.message;
    throw error;
  }
}

class Checker {
  readonly #text: string;
  readonly #mode: JsonMode;
  #at = 0;

  constructor(text: string, mode: JsonMode) {
    this.#text = text;
    this.#mode = mode;
  }

  whole(): void {
    if (this.#mode === "stream" && this.#next() === undefined) throw new Problem("EOF");
    this.#value();
    const next = this.#next();
    if (next === undefined) return;
    if (this.#mode === "document") this.#fail("after top-level value");
    if (next !== "}" && next !== "]") throw new Problem("extraneous data after JSON object");
  }

  #fail(where: string): never {
    const point = this.#text.codePointAt(this.#at);
    if (point === undefined) {
      const isStream = this.#mode === "stream";
      throw new Problem(isStream ? "unexpected EOF" : "unexpected end of JSON input");
    }
    const character = String.fromCodePoint(point);
    const shown = { "'": "'\\''", '"': "'\"'", "\n": "'\\n'", "\t": "'\\t'", "\r": "'\\r'" };
    const quoted = Object.hasOwn(shown, character)
      ? shown[character as keyof typeof shown]
      : `'${character}'`;
    throw new Problem(`invalid character ${quoted}${where === "" ? "" : ` ${where}`}`);
  }

  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found !== "";
  }

  #next(): string | undefined {
    this.#skip(SPACE);
    return this.#text[this.#at];
  }

  #value(): void {
    const first = this.#next();
    if (first === "{") this.#object();
    else if (first === "[") this.#array();
    else if (first === '"') this.#string();
    else if (first === "t") this.#word("true");
    else if (first === "f") this.#word("false");
    else if (first === "n") this.#word("null");
    else this.#number(first);
  }

  #number(first: string | undefined): void {
    if (this.#skip(NUMBER)) {
      if (!/[.eE]/.test(this.#text[this.#at] ?? "")) return;
      this.#at += 1;
      this.#skip(/[-+]/y);
      this.#fail("after decimal point in numeric literal");
    }
    if (first !== "-") this.#fail("looking for beginning of value");
    this.#at += 1;
    this.#fail("in numeric literal");
  }

  #word(word: string): void {
    for (const [i, letter] of [...word].entries()) {
      if (this.#text[this.#at] !== letter) {
        this.#fail(
          i === 0 ? "looking for beginning of value" : `in literal ${word} (expecting '${letter}')`,
        );
      }
      this.#at += 1;
    }
  }

  #string(): void {
    this.#at += 1;
    this.#skip(STRING_BODY);
    if (this.#text[this.#at] === '"') {
      this.#at += 1;
      return;
    }
    if (this.#text[this.#at] !== "\\") this.#fail("in string literal");
    this.#at += 1;
    if (this.#text[this.#at] !== "u") this.#fail("in string escape code");
    this.#at += 1;
    this.#skip(/[0-9a-fA-F]{0,3}/y);
    this.#fail("in \\u hexadecimal character escape");
  }

  #object(): void {
    this.#at += 1;
    if (this.#next() === "}") {
      this.#at += 1;
      return;
    }
    for (let isFirst = true; ; isFirst = false) {
      if (this.#next() !== '"') {
        const unsaid = isFirst && this.#mode === "stream";
        this.#fail(unsaid ? "" : "looking for beginning of object key string");
      }
      this.#string();
      if (this.#next() !== ":") this.#fail("after object key");
      this.#at += 1;
      this.#value();
      if (this.#finish("}", "after object key:value pair")) return;
    }
  }

  #array(): void {
    this.#at += 1;
    if (this.#next() === "]") {
      this.#at += 1;
      return;
    }
    for (;;) {
      this.#value();
      if (this.#finish("]", "after array element")) return;
    }
  }

  #finish(close: string, where: string): boolean {
    const found = this.#next();
    if (found !== close && found !== ",") this.#fail(where);
    this.#at += 1;
    return found === close;
  }
}
