/** Says what is wrong with text that is no JSON, in the words that users of the API know. */

const SPACE = /[ \t\r\n]*/y;
const STRING_BODY = /(?:[^"\\\p{Cc}]|[\x7f-\x9f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/uy;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

class Problem extends Error {}

/** Null when the text is JSON. */
export function jsonProblem(text: string): string | null {
  try {
    new Checker(text).whole();
    return null;
  } catch (error) {
    if (error instanceof Problem) return error.message;
    throw error;
  }
}

class Checker {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): void {
    this.#value();
    this.#skip(SPACE);
    if (this.#at < this.#text.length) this.#fail("after top-level value");
  }

  #fail(where: string): never {
    const point = this.#text.codePointAt(this.#at);
    if (point === undefined) throw new Problem("unexpected end of JSON input");
    const character = String.fromCodePoint(point);
    const shown = { "'": "'\\''", '"': "'\"'", "\n": "'\\n'", "\t": "'\\t'", "\r": "'\\r'" };
    const quoted = Object.hasOwn(shown, character)
      ? shown[character as keyof typeof shown]
      : `'${character}'`;
    throw new Problem(`invalid character ${quoted} ${where}`);
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
    else if (!this.#skip(NUMBER)) {
      if (first === "-") {
        this.#at += 1;
        this.#fail("in numeric literal");
      }
      this.#fail("looking for beginning of value");
    }
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
    for (;;) {
      if (this.#next() !== '"') this.#fail("looking for beginning of object key string");
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
