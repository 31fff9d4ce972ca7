/** Parses `[…]` and `{…}` values, and `for` in either. */
import { type Range, rangeBetween } from "../source.ts";
import { UNKNOWN } from "../values/value.ts";
import type { Expression, ObjectItem } from "./ast.ts";
import { parseExpression } from "./parse-expression.ts";
import { isKeyword, type ParserState } from "./parser-state.ts";
import type { Token } from "./token.ts";

export function parseTuple(p: ParserState): Expression {
  const open = p.read();
  return p.withNewlines(false, () => {
    if (isKeyword(p.peek(), "for")) return parseFor(p, open);
    const items: Expression[] = [];
    const close = parseItems(p, items, open);
    const range = rangeBetween(open.range, close.range);
    return { kind: "tuple", items, openRange: open.range, range };
  });
}

function parseItems(p: ParserState, items: Expression[], open: Token): Token {
  for (;;) {
    if (p.peek().type === "]") return p.read();
    const mark = p.diagnostics.length;
    items.push(parseExpression(p));
    if (p.isLostSince(mark)) return p.recoverTo("]");
    const next = p.peek();
    if (next.type === "]") return p.read();
    if (next.type !== ",") {
      if (next.type === "end") {
        p.firstError(
          open.range,
          "Unterminated tuple constructor expression",
          "There is no corresponding closing bracket before the end of the file. This may be caused by incorrect bracket nesting elsewhere in this file.",
        );
      } else {
        p.firstError(
          next.range,
          "Missing item separator",
          "Expected a comma to mark the beginning of the next item.",
        );
      }
      return p.recoverTo("]");
    }
    p.read();
  }
}

export function parseObject(p: ParserState): Expression {
  const open = p.read();
  if (p.withNewlines(false, () => isKeyword(p.peek(), "for"))) {
    return p.withNewlines(false, () => parseFor(p, open));
  }
  return p.withNewlines(true, () => {
    const items: ObjectItem[] = [];
    const close = parseEntries(p, items, open);
    const range = rangeBetween(open.range, close.range);
    return { kind: "object", items, openRange: open.range, range };
  });
}

function parseEntries(p: ParserState, items: ObjectItem[], open: Token): Token {
  for (;;) {
    const first = p.peek();
    if (first.type === "newline") {
      p.read();
      continue;
    }
    if (first.type === "}") return p.read();
    const item = parseEntry(p, open);
    if (item === null) return p.recoverTo("}");
    items.push(item);
    const next = p.peek();
    if (next.type === "}") return p.read();
    if (next.type !== "," && next.type !== "newline") {
      if (next.type === "end") reportUnterminated(p, open);
      else {
        p.firstError(
          next.range,
          "Missing attribute separator",
          "Expected a newline or comma to mark the beginning of the next attribute.",
        );
      }
      return p.recoverTo("}");
    }
    p.read();
  }
}

/** Null when it is broken. */
function parseEntry(p: ParserState, open: Token): ObjectItem | null {
  const keyIsComputed = p.peek().type === "(";
  let mark = p.diagnostics.length;
  const key = parseExpression(p);
  if (p.isLostSince(mark)) return null;
  const separator = p.peek();
  if (separator.type !== "=" && separator.type !== ":") {
    reportBadSeparator(p, separator, open);
    return null;
  }
  p.read();
  mark = p.diagnostics.length;
  const value = parseExpression(p);
  return p.isLostSince(mark) ? null : { key, keyIsComputed, value };
}

function reportBadSeparator(p: ParserState, found: Token, open: Token): void {
  const missing = 'Expected an equals sign ("=") to mark the beginning of the attribute value.';
  if (found.type === "end") reportUnterminated(p, open);
  else if (found.type === "newline" || found.type === ",") {
    p.firstError(
      found.range,
      "Missing attribute value",
      'Expected an attribute value, introduced by an equals sign ("=").',
    );
  } else if (found.type === "identifier") {
    p.firstError(
      found.range,
      "Missing key/value separator",
      `${missing} If you intended to given an attribute name containing periods or spaces, write the name in quotes to create a string literal.`,
    );
  } else p.firstError(found.range, "Missing key/value separator", missing);
}

function reportUnterminated(p: ParserState, open: Token): void {
  p.firstError(
    open.range,
    "Unterminated object constructor expression",
    "There is no corresponding closing brace before the end of the file. This may be caused by incorrect brace nesting elsewhere in this file.",
  );
}

const INVALID_FOR = "Invalid 'for' expression";

function parseFor(p: ParserState, open: Token): Expression {
  const close = open.type === "{" ? "}" : "]";
  const parsed = parseForParts(p, open.type === "{", open.range);
  if (parsed === null) {
    const range = rangeBetween(open.range, p.recoverTo(close).range);
    return { kind: "literal", value: UNKNOWN, range };
  }
  let end = p.peek();
  if (end.type === close) p.read();
  else {
    p.firstError(end.range, INVALID_FOR, "Extra characters after the end of the 'for' expression.");
    end = p.recoverTo(close);
  }
  const { parts, ellipsis } = parsed;
  checkForKind(p, parts, ellipsis);
  return { ...parts, range: rangeBetween(open.range, end.range) };
}

type ForParts = Extract<Expression, { kind: "for" }>;

function checkForKind(p: ParserState, parts: ForParts, ellipsis: Token | null): void {
  if (parts.makesObject) {
    if (parts.key === null) {
      p.error(
        parts.value.range,
        INVALID_FOR,
        "Key expression is required when building an object.",
      );
    }
    return;
  }
  if (parts.key !== null) {
    p.error(parts.key.range, INVALID_FOR, "Key expression is not valid when building a tuple.");
  }
  if (ellipsis !== null) {
    p.error(
      ellipsis.range,
      INVALID_FOR,
      "Grouping ellipsis (...) cannot be used when building a tuple.",
    );
  }
}

export interface ForIntroduction {
  readonly keyName: string | null;
  readonly valueName: string;
  readonly collection: Expression;
}

/** Messages of `for` in a value and in a template directive differ in their words only. */
export interface ForWords {
  readonly summary: string;
  readonly noName: string;
  readonly noValueName: string;
  readonly noIn: string;
}

const EXPRESSION_WORDS: ForWords = {
  summary: INVALID_FOR,
  noName: "For expression requires variable name after 'for'.",
  noValueName: "For expression requires value variable name after comma.",
  noIn: "For expression requires the 'in' keyword after its name declarations.",
};

/** `k, v in collection`, the `for` itself already read; null when it is broken. */
export function parseForIntroduction(p: ParserState, words: ForWords): ForIntroduction | null {
  const readName = (detail: string): string | null => {
    if (p.peek().type === "identifier") return p.read().text;
    p.firstError(p.peek().range, words.summary, detail);
    return null;
  };
  let keyName: string | null = null;
  let valueName = readName(words.noName);
  if (valueName === null) return null;
  if (p.peek().type === ",") {
    p.read();
    keyName = valueName;
    valueName = readName(words.noValueName);
    if (valueName === null) return null;
  }
  if (!isKeyword(p.peek(), "in")) {
    p.firstError(p.peek().range, words.summary, words.noIn);
    return null;
  }
  p.read();
  return { keyName, valueName, collection: parseExpression(p) };
}

function parseForParts(
  p: ParserState,
  makesObject: boolean,
  openRange: Range,
): { parts: ForParts; ellipsis: Token | null } | null {
  p.read();
  let mark = p.diagnostics.length;
  const introduction = parseForIntroduction(p, EXPRESSION_WORDS);
  if (introduction === null || p.isLostSince(mark)) return null;
  if (p.peek().type !== ":") {
    p.firstError(
      p.peek().range,
      INVALID_FOR,
      "For expression requires a colon after the collection expression.",
    );
    return null;
  }
  p.read();
  mark = p.diagnostics.length;
  let key: Expression | null = null;
  let value = parseExpression(p);
  if (p.peek().type === "=>") {
    p.read();
    key = value;
    value = parseExpression(p);
  }
  if (p.isLostSince(mark)) return null;
  const ellipsis = p.peek().type === "..." ? p.read() : null;
  mark = p.diagnostics.length;
  let condition: Expression | null = null;
  if (isKeyword(p.peek(), "if")) {
    p.read();
    condition = parseExpression(p);
    if (p.isLostSince(mark)) return null;
  }
  const group = ellipsis !== null;
  const base = { kind: "for", makesObject, ...introduction, key, value, condition, group } as const;
  return { parts: { ...base, openRange, range: openRange }, ellipsis };
}
