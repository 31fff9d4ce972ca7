/** Parses quoted and heredoc templates: text, `${…}` and `%{…}`. */

import { nameSuggestion } from "../name-suggestion.ts";
import { endOf, type Range, range, rangeBetween } from "../source.ts";
import type { Expression } from "./ast.ts";
import { type ForWords, parseForIntroduction } from "./parse-collection.ts";
import { parseExpression } from "./parse-expression.ts";
import { isKeyword, type ParserState } from "./parser-state.ts";
import { decodeText } from "./string-text.ts";
import { buildTemplate, stripIndentation, type TemplatePart } from "./template-parts.ts";
import type { Token, TokenType } from "./token.ts";

export function parseTemplate(p: ParserState): Expression {
  const open = p.read();
  const close: TokenType = open.type === "openQuote" ? "closeQuote" : "closeHeredoc";
  const parts = parseParts(p, close);
  if (open.text.startsWith("<<-")) stripIndentation(parts);
  const where = rangeBetween(open.range, p.previousRange());
  return buildTemplate(p, parts, where);
}

/** A whole file that is a template. */
export function parseBareTemplate(p: ParserState): Expression {
  const start = p.peek().range;
  const parts = parseParts(p, "end");
  return buildTemplate(p, parts, rangeBetween(start, p.previousRange()));
}

/** Whether white space next to a `~` is taken away: from the text before, and from that after. */
interface Trimming {
  before: boolean;
  next: boolean;
}

function parseParts(p: ParserState, end: TokenType): TemplatePart[] {
  const parts: TemplatePart[] = [];
  const startRange = p.peek().range;
  const trimming: Trimming = { before: false, next: false };
  let endRange: Range;
  for (;;) {
    const token = p.read();
    endRange = token.range;
    if (token.type === end) break;
    const trimStart = trimming.next;
    const canTrimBefore = trimming.before;
    trimming.next = false;
    trimming.before = false;
    if (token.type === "text" || token.type === "quotedText") {
      const text = decodeText(token, p.diagnostics);
      const value = trimStart ? text.trimStart() : text;
      parts.push({ kind: "text", text: value, range: token.range });
      trimming.before = true;
    } else if (token.type === "openInterpolation" || token.type === "openDirective") {
      if (canTrimBefore && token.text.endsWith("~")) trimLastText(parts);
      parseSequence(p, token, { parts, trimming, end, startRange });
    } else {
      p.firstError(
        token.range,
        "Unterminated template string",
        "No closing marker was found for the string.",
      );
      endRange = p.recoverTo(end).range;
      break;
    }
  }
  if (parts.length === 0) {
    parts.push({ kind: "text", text: "", range: endOf(endRange) });
  }
  parts.push({ kind: "end", range: endRange });
  return parts;
}

function trimLastText(parts: TemplatePart[]): void {
  const last = parts.pop();
  if (last === undefined) return;
  parts.push(last.kind === "text" ? { ...last, text: last.text.trimEnd() } : last);
}

interface SequenceContext {
  readonly parts: TemplatePart[];
  readonly trimming: Trimming;
  readonly end: TokenType;
  readonly startRange: Range;
}

function parseSequence(p: ParserState, open: Token, context: SequenceContext): void {
  p.withNewlines(false, () => {
    if (open.type === "openInterpolation") parseInterpolation(p, open, context);
    else parseDirective(p, open, context);
  });
}

function parseInterpolation(p: ParserState, open: Token, context: SequenceContext): void {
  const inner = parseExpression(p);
  const close = p.peek();
  if (close.type === "closeSequence") {
    p.read();
    context.trimming.next = close.text.startsWith("~");
  } else {
    reportUnclosed(p, close, context);
    p.recoverTo("closeSequence");
  }
  const sequenceRange = range(open.range.source, open.range.end, close.range.start);
  const expression: Expression = inner.kind === "variable" ? { ...inner, sequenceRange } : inner;
  const where = rangeBetween(open.range, close.range);
  context.parts.push({ kind: "interpolation", expression, range: where });
}

function reportUnclosed(p: ParserState, found: Token, context: SequenceContext): void {
  const unclosed = "Unclosed template interpolation sequence";
  const extra = "Extra characters after interpolation expression";
  const nesting = "This might be caused by incorrect nesting inside the given expression.";
  if (found.type === "end") {
    const detail = `There is no closing brace for this interpolation sequence before the end of the file. ${nesting}`;
    p.firstError(context.startRange, unclosed, detail);
  } else if (found.type === ":") {
    p.firstError(
      found.range,
      extra,
      'Template interpolation doesn\'t expect a colon at this location. Did you intend this to be a literal sequence to be processed as part of another language? If so, you can escape it by starting with "$${" instead of just "${".',
    );
  } else if (
    context.end === "closeQuote" &&
    (found.type === "closeQuote" || found.type === "openQuote")
  ) {
    const detail = `There is no closing brace for this interpolation sequence before the end of the quoted template. ${nesting}`;
    p.firstError(context.startRange, unclosed, detail);
  } else {
    p.firstError(
      found.range,
      extra,
      'Expected a closing brace to end the interpolation expression, but found extra characters.\n\nThis can happen when you include interpolation syntax for another language, such as shell scripting, but forget to escape the interpolation start token. If this is an embedded sequence for another language, escape it by starting with "$${" instead of just "${".',
    );
  }
}

const DIRECTIVE_WORDS: ForWords = {
  summary: "Invalid 'for' directive",
  noName: "For directive requires variable name after 'for'.",
  noValueName: "For directive requires value variable name after comma.",
  noIn: "For directive requires 'in' keyword after names.",
};
const KEYWORDS = ["if", "for", "else", "endif", "endfor"];

function parseDirective(p: ParserState, open: Token, context: SequenceContext): void {
  const keyword = p.peek();
  if (keyword.type !== "identifier") {
    p.firstError(
      keyword.range,
      "Invalid template directive",
      'A template directive keyword ("if", "for", etc) is expected at the beginning of a %{ sequence.',
    );
    p.recoverTo("closeSequence");
    return;
  }
  p.read();
  const part = parseDirectivePart(p, open, keyword);
  if (part === null) {
    p.recoverTo("closeSequence");
    return;
  }
  context.parts.push(part);
  const close = p.peek();
  if (close.type === "closeSequence") {
    p.read();
    context.trimming.next = close.text.startsWith("~");
    return;
  }
  p.firstError(
    close.range,
    `Extra characters in ${keyword.text} marker`,
    "Expected a closing brace to end the sequence, but found extra characters.",
  );
  p.recoverTo("closeSequence");
}

function parseDirectivePart(p: ParserState, open: Token, keyword: Token): TemplatePart | null {
  const where = (): Range => rangeBetween(open.range, p.peek().range);
  if (isKeyword(keyword, "if")) {
    const condition = parseExpression(p);
    return { kind: "if", condition, range: where() };
  }
  if (isKeyword(keyword, "for")) {
    const introduction = parseForIntroduction(p, DIRECTIVE_WORDS);
    return introduction === null ? null : { kind: "for", ...introduction, range: where() };
  }
  if (keyword.text === "else" || keyword.text === "endif" || keyword.text === "endfor") {
    return { kind: "close", directive: keyword.text, range: where() };
  }
  const suggestion = nameSuggestion(keyword.text, KEYWORDS);
  const hint = suggestion === null ? "" : ` Did you mean "${suggestion}"?`;
  p.firstError(
    keyword.range,
    "Invalid template control keyword",
    `"${keyword.text}" is not a valid template control keyword.${hint}`,
  );
  return null;
}
