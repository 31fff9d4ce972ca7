/** Parses the structure of a file: attributes and blocks. */
import { formatRange, type Range, rangeBetween } from "../source.ts";
import type { AttributeSyntax, BlockSyntax, BodySyntax } from "./ast.ts";
import { parseExpression } from "./parse-expression.ts";
import type { ParserState } from "./parser-state.ts";
import { decodeText } from "./string-text.ts";
import type { Token } from "./token.ts";

const ITEM_REQUIRED = "Argument or block definition required";
const ITEM_REQUIRED_HERE = "An argument or block definition is required here.";
const EQUALS_HINT = 'To set an argument, use the equals sign "=" to introduce the argument value.';

type Item = { attribute: AttributeSyntax } | { block: BlockSyntax } | null;

export function parseBody(p: ParserState, end: "end" | "}"): BodySyntax {
  const attributes = new Map<string, AttributeSyntax>();
  const blocks: BlockSyntax[] = [];
  const startRange = p.previousRange();
  let endRange: Range;
  for (;;) {
    const next = p.peek();
    if (next.type === end) {
      endRange = next.range;
      p.read();
      break;
    }
    if (next.type === "newline") {
      p.read();
    } else if (next.type === "identifier") {
      const item = parseItem(p);
      if (item !== null && "block" in item) blocks.push(item.block);
      else if (item !== null) addAttribute(p, attributes, item.attribute);
    } else {
      reportBadItem(p, p.read(), end, startRange);
      endRange = p.previousRange();
      p.recoverTo(end);
      break;
    }
  }
  return { attributes, blocks, range: rangeBetween(startRange, endRange) };
}

function addAttribute(
  p: ParserState,
  attributes: Map<string, AttributeSyntax>,
  attribute: AttributeSyntax,
): void {
  const existing = attributes.get(attribute.name);
  if (existing === undefined) {
    attributes.set(attribute.name, attribute);
    return;
  }
  p.error(
    attribute.nameRange,
    "Attribute redefined",
    `The argument "${attribute.name}" was already set at ${formatRange(existing.nameRange)}. ` +
      "Each argument may be set only once.",
  );
}

function reportBadItem(p: ParserState, bad: Token, end: "end" | "}", startRange: Range): void {
  if (bad.type === "openQuote") {
    p.firstError(bad.range, "Invalid argument name", "Argument names must not be quoted.");
  } else if (bad.type === "end" && end === "}") {
    p.firstError(
      startRange,
      "Unclosed configuration block",
      "There is no closing brace for this block before the end of the file. This may be caused by incorrect brace nesting elsewhere in this file.",
    );
  } else p.firstError(bad.range, ITEM_REQUIRED, ITEM_REQUIRED_HERE);
}

function parseItem(p: ParserState): Item {
  const name = p.read();
  const next = p.peek();
  if (next.type === "=") return { attribute: finishAttribute(p, name, false) };
  if (next.type === "openQuote" || next.type === "{" || next.type === "identifier") {
    return { block: finishBlock(p, name) };
  }
  p.recoverAfterItem();
  p.error(name.range, ITEM_REQUIRED, `${ITEM_REQUIRED_HERE} ${EQUALS_HINT}`);
  return null;
}

function finishAttribute(p: ParserState, name: Token, singleLine: boolean): AttributeSyntax {
  p.read();
  const mark = p.diagnostics.length;
  const expression = parseExpression(p);
  const endRange = p.previousRange();
  if (p.isLostSince(mark)) p.recoverAfterItem();
  else if (!singleLine) finishLine(p);
  return {
    name: name.text,
    nameRange: name.range,
    expression,
    range: rangeBetween(name.range, endRange),
  };
}

function finishLine(p: ParserState): void {
  const next = p.peek();
  if (next.type === "newline" || next.type === "end") {
    p.read();
    return;
  }
  const detail = "An argument definition must end with a newline.";
  if (next.type === ",") {
    p.firstError(
      next.range,
      "Unexpected comma after argument",
      `Argument definitions must be separated by newlines, not commas. ${detail}`,
    );
  } else p.firstError(next.range, "Missing newline after argument", detail);
  p.recoverAfterItem();
}

function finishBlock(p: ParserState, type: Token): BlockSyntax {
  const labels: string[] = [];
  const labelRanges: Range[] = [];
  let openBrace: Token | null = null;
  while (openBrace === null) {
    const next = p.peek();
    if (next.type === "{") {
      openBrace = p.read();
    } else if (next.type === "openQuote") {
      const label = parseQuotedLabel(p);
      labels.push(label.text);
      labelRanges.push(label.range);
    } else if (next.type === "identifier") {
      labels.push(next.text);
      labelRanges.push(p.read().range);
    } else {
      reportBadHeader(p, next);
      p.recoverAfterItem();
      const body = emptyBody(type.range);
      return makeBlock({ type, labels, labelRanges, openBraceRange: type.range, body });
    }
  }
  const body = parseBlockBody(p) ?? emptyBody(openBrace.range);
  const next = p.peek();
  if (next.type === "newline" || next.type === "end") p.read();
  else {
    p.firstError(
      next.range,
      "Missing newline after block definition",
      "A block definition must end with a newline.",
    );
    p.recoverAfterItem();
  }
  return makeBlock({ type, labels, labelRanges, openBraceRange: openBrace.range, body });
}

function makeBlock(parts: {
  type: Token;
  labels: string[];
  labelRanges: Range[];
  openBraceRange: Range;
  body: BodySyntax;
}): BlockSyntax {
  const { type, ...rest } = parts;
  return { type: type.text, typeRange: type.range, ...rest };
}

function emptyBody(at: Range): BodySyntax {
  return { attributes: new Map(), blocks: [], range: at };
}

function reportBadHeader(p: ParserState, bad: Token): void {
  const summary = "Invalid block definition";
  if (bad.type === "=") {
    p.error(
      bad.range,
      summary,
      'The equals sign "=" indicates an argument definition, and must not be used when defining a block.',
    );
  } else if (bad.type === "newline") {
    p.error(
      bad.range,
      summary,
      'A block definition must have block content delimited by "{" and "}", starting on the same line as the block header.',
    );
  } else {
    p.firstError(
      bad.range,
      summary,
      'Either a quoted string block label or an opening brace ("{") is expected here.',
    );
  }
}

function parseBlockBody(p: ParserState): BodySyntax | null {
  const first = p.peek().type;
  if (first === "newline" || first === "end" || first === "}") return parseBody(p, "}");
  const mark = p.diagnostics.length;
  const body = parseSingleAttribute(p);
  // Told after what follows the argument, in the order that users of such files know.
  const late = p.diagnostics.splice(mark);
  finishSingleLine(p);
  p.diagnostics.push(...late);
  return body;
}

/** `foo { bar = baz }`: one argument, and the brace on the same line. */
function parseSingleAttribute(p: ParserState): BodySyntax | null {
  const name = p.read();
  const next = p.peek();
  if (name.type === "identifier" && next.type === "=") {
    const attribute = finishAttribute(p, name, true);
    return {
      attributes: new Map([[attribute.name, attribute]]),
      blocks: [],
      range: attribute.range,
    };
  }
  p.recoverAfterItem();
  if (name.type !== "identifier") {
    p.error(name.range, ITEM_REQUIRED, ITEM_REQUIRED_HERE);
  } else if (next.type === "openQuote" || next.type === "{" || next.type === "identifier") {
    p.error(
      rangeBetween(name.range, next.range),
      "Argument definition required",
      `A single-line block definition can contain only a single argument. If you meant to define argument "${name.text}", use an equals sign to assign it a value. To define a nested block, place it on a line of its own within its parent block.`,
    );
  } else p.error(name.range, ITEM_REQUIRED, `${ITEM_REQUIRED_HERE} ${EQUALS_HINT}`);
  return null;
}

function finishSingleLine(p: ParserState): void {
  const summary = "Invalid single-argument block definition";
  const next = p.peek();
  if (next.type === "}") {
    p.read();
    return;
  }
  if (next.type === ",") {
    p.error(
      next.range,
      summary,
      "Single-line block syntax can include only one argument definition. To define multiple arguments, use the multi-line block syntax with one argument definition per line.",
    );
  } else if (next.type === "newline") {
    p.error(
      next.range,
      summary,
      "An argument definition on the same line as its containing block creates a single-line block definition, which must also be closed on the same line. Place the block's closing brace immediately after the argument definition.",
    );
  } else {
    p.firstError(
      next.range,
      summary,
      "A single-line block definition must end with a closing brace immediately after its single argument definition.",
    );
  }
  p.recoverTo("}");
}

function parseQuotedLabel(p: ParserState): { text: string; range: Range } {
  const open = p.read();
  let text = "";
  let endRange = open.range;
  for (;;) {
    const token = p.read();
    endRange = token.range;
    if (token.type === "closeQuote") break;
    if (token.type === "quotedText") {
      text += decodeText(token, p.diagnostics);
    } else if (token.type === "openInterpolation" || token.type === "openDirective") {
      reportTemplateInLabel(p, token);
      p.recoverTo("closeSequence");
    } else {
      reportBadLabel(p, token);
      if (token.type !== "end") p.recoverTo("closeQuote");
      break;
    }
  }
  return { text, range: rangeBetween(open.range, endRange) };
}

function reportTemplateInLabel(p: ParserState, token: Token): void {
  const sign = token.type === "openInterpolation" ? "$" : "%";
  p.error(
    token.range,
    "Invalid string literal",
    `Template sequences are not allowed in this string. To include a literal "${sign}", ` +
      `double it (as "${sign}${sign}") to escape it.`,
  );
}

function reportBadLabel(p: ParserState, token: Token): void {
  if (token.type === "end") {
    p.error(
      token.range,
      "Unterminated string literal",
      "Unable to find the closing quote mark before the end of the file.",
    );
  } else {
    p.error(token.range, "Invalid string literal", "This item is not valid in a string literal.");
  }
}
