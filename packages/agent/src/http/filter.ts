/**
 * Filter expressions of list endpoints (spec chapter 8 §8.1): selectors over the wire document,
 * `==`, `!=`, `in`, `contains`, `matches`, `is empty`, joined by `and`, `or`, `not`.
 */
import { internal } from "@drover/api";

type Doc = Readonly<Record<string, unknown>>;
export type Predicate = (doc: Doc) => boolean;

type Token = { readonly kind: "word" | "string" | "op"; readonly text: string };

const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*"|`[^`]*`)|(==|!=|\(|\))|([A-Za-z0-9_.\-/[\]]+))/y;

/** Throws the texts of the reference: `failed to read filter expression`. */
export function compileFilter(text: string): Predicate {
  const parser = new FilterParser(tokenize(text), text);
  return parser.parse();
}

function broken(text: string): Error {
  return internal(
    `failed to create result paginator: failed to read filter expression: ${JSON.stringify(text)}`,
  );
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const match = TOKEN.exec(text);
    if (!match) throw badFilter(text);
    if (match[1] !== undefined) {
      const raw = match[1];
      tokens.push({
        kind: "string",
        text: raw.startsWith("`") ? raw.slice(1, -1) : (JSON.parse(raw) as string),
      });
    } else if (match[2] !== undefined) tokens.push({ kind: "op", text: match[2] });
    else tokens.push({ kind: "word", text: match[3] as string });
  }
  return tokens;
}

function badFilter(text: string): Error {
  const error = broken(text);
  return Object.assign(error, { status: 400 });
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
    if (this.#at < this.#tokens.length) throw badFilter(this.#source);
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
      if (this.#next().text !== ")") throw badFilter(this.#source);
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
      if (!this.#takeWord("empty")) throw badFilter(this.#source);
      return (doc) => isEmpty(select(doc, first.text)) !== negated;
    }
    const negated = op.text === "not";
    const verb = negated ? this.#next().text : op.text;
    const value = this.#next().text;
    const test = membership(verb, first.text, value);
    if (!test) throw badFilter(this.#source);
    return (doc) => test(doc) !== negated;
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#at];
  }

  #next(): Token {
    const token = this.#tokens[this.#at++];
    if (!token) throw badFilter(this.#source);
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
      const pattern = new RegExp(right);
      return (doc) => pattern.test(String(select(doc, left)));
    }
    default:
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
  for (const part of selector.split(".")) {
    if (typeof value !== "object" || value === null) return undefined;
    if (!(part in value)) {
      throw Object.assign(
        internal(
          `failed to read result page: error finding value in datum: /${selector.replaceAll(
            ".",
            "/",
          )} at part 0: couldn't find key: struct field with name ${JSON.stringify(part)}`,
        ),
        { status: 400 },
      );
    }
    value = (value as Doc)[part];
  }
  return value;
}
