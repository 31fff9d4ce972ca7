/**
 * Filter expressions of list endpoints (spec chapter 8 §8.1): selectors over the wire document,
 * `==`, `!=`, `in`, `contains`, `matches`, `is empty`, joined by `and`, `or`, `not`.
 */
import { badRequest } from "@drover/api";

type Doc = Readonly<Record<string, unknown>>;
export type Predicate = (doc: Doc) => boolean;

interface Token {
  readonly kind: "word" | "string" | "op";
  readonly text: string;
  /** Offset in the expression. */
  readonly at: number;
}

/** What may begin an expression, as the message for a broken one lists it. */
const EXPECTED = '"(", "-", "0", "\\"", "`", "all", "any", "not", [ \\t\\r\\n], [1-9] or [a-zA-Z]';

const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*"|`[^`]*`)|(==|!=|\(|\))|([A-Za-z0-9_.\-/[\]]+))/y;

/** Throws the texts of the reference: `failed to read filter expression`. */
export function compileFilter(text: string): Predicate {
  const parser = new FilterParser(tokenize(text), text);
  return parser.parse();
}

/** `at` is the offset where nothing matched any more. */
function badFilter(at: number): Error {
  return badRequest(
    "failed to create result paginator: failed to read filter expression: " +
      `1:${at + 1} (${at}): no match found, expected: ${EXPECTED}`,
  );
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  const length = text.trimEnd().length;
  while (TOKEN.lastIndex < length) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) throw badFilter(from);
    const at = TOKEN.lastIndex - (match[0] as string).trimStart().length;
    if (match[1] !== undefined) {
      const raw = match[1];
      tokens.push({
        at,
        kind: "string",
        text: raw.startsWith("`") ? raw.slice(1, -1) : unquoted(raw, at),
      });
    } else if (match[2] !== undefined) tokens.push({ at, kind: "op", text: match[2] });
    else tokens.push({ at, kind: "word", text: match[3] as string });
  }
  return tokens;
}

function unquoted(raw: string, at: number): string {
  try {
    return JSON.parse(raw) as string;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw badFilter(at);
  }
}

class FilterParser {
  readonly #tokens: readonly Token[];
  readonly #source: string;
  #at = 0;

  constructor(tokens: readonly Token[], source: string) {
    this.#tokens = tokens;
    this.#source = source;
  }

  parse(): Predicate {
    const predicate = this.#or();
    if (this.#at < this.#tokens.length) throw this.#bad();
    return predicate;
  }

  #or(): Predicate {
    let left = this.#and();
    while (this.#takeWord("or")) {
      const [a, b] = [left, this.#and()];
      left = (doc) => a(doc) || b(doc);
    }
    return left;
  }

  #and(): Predicate {
    let left = this.#unary();
    while (this.#takeWord("and")) {
      const [a, b] = [left, this.#unary()];
      left = (doc) => a(doc) && b(doc);
    }
    return left;
  }

  #unary(): Predicate {
    if (this.#takeWord("not")) {
      const inner = this.#unary();
      return (doc) => !inner(doc);
    }
    if (this.#peek()?.text === "(" && this.#peek()?.kind === "op") {
      this.#at++;
      const inner = this.#or();
      if (this.#next().text !== ")") throw this.#bad();
      return inner;
    }
    return this.#comparison();
  }

  #comparison(): Predicate {
    const first = this.#next();
    const op = this.#next();
    if (op.text === "==" || op.text === "!=") {
      const value = this.#next().text;
      return (doc) => (String(select(doc, first.text)) === value) === (op.text === "==");
    }
    if (op.text === "is") {
      const negated = this.#takeWord("not");
      if (this.#takeWord("nil")) return (doc) => (select(doc, first.text) === null) !== negated;
      if (!this.#takeWord("empty")) throw this.#bad();
      return (doc) => isEmpty(select(doc, first.text)) !== negated;
    }
    const negated = op.text === "not";
    const verb = negated ? this.#next().text : op.text;
    const value = this.#next().text;
    const test = membership(verb, first.text, value);
    if (!test) throw this.#bad();
    return (doc) => test(doc) !== negated;
  }

  /** At the token that was looked at last, or at the end. */
  #bad(): Error {
    return badFilter(this.#tokens[this.#at]?.at ?? this.#source.length);
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#at];
  }

  #next(): Token {
    const token = this.#tokens[this.#at++];
    if (!token) throw this.#bad();
    return token;
  }

  #takeWord(word: string): boolean {
    const token = this.#peek();
    if (token?.kind !== "word" || token.text.toLowerCase() !== word) return false;
    this.#at++;
    return true;
  }
}

function membership(verb: string, left: string, right: string): Predicate | null {
  switch (verb) {
    case "in":
      return (doc) => holds(select(doc, right), left);
    case "contains":
      return (doc) => holds(select(doc, left), right);
    case "matches": {
      const pattern = compiled(right);
      if (!pattern) return null;
      return (doc) => pattern.test(String(select(doc, left)));
    }
    default:
      return null;
  }
}

function compiled(source: string): RegExp | null {
  try {
    return new RegExp(source);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return null;
  }
}

function holds(container: unknown, value: string): boolean {
  if (typeof container === "string") return container.includes(value);
  if (Array.isArray(container)) return container.some((item) => String(item) === value);
  return typeof container === "object" && container !== null && value in container;
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === "") return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "object" && Object.keys(value).length === 0;
}

function select(doc: Doc, selector: string): unknown {
  let value: unknown = doc;
  for (const [i, part] of selector.split(".").entries()) {
    if (typeof value !== "object" || value === null) return undefined;
    if (!(part in value)) {
      const path = selector.replaceAll(".", "/");
      throw badRequest(
        `failed to read result page: error finding value in datum: /${path} at part ${i}: ` +
          `couldn't find key: struct field with name ${JSON.stringify(part)}`,
      );
    }
    value = (value as Doc)[part];
  }
  return value;
}
