/** Parses what is read from a value: `.name`, `[key]`, `.0`, `.*` and `[*]`. */
import { type Range, rangeBetween } from "../source.ts";
import { string, stringOf, UNKNOWN, type Value } from "../values/value.ts";
import type { Expression, Step } from "./ast.ts";
import { parseExpression, parseNumberToken } from "./parse-expression.ts";
import type { ParserState } from "./parser-state.ts";
import type { Token } from "./token.ts";

export function parseSteps(p: ParserState, from: Expression): Expression {
  let result = from;
  for (;;) {
    const next = p.peek();
    if (next.type === ".") result = parseDot(p, from, result);
    else if (next.type === "[") result = parseBracket(p, from, result);
    else return result;
  }
}

/** Adds a step to the names it follows, or makes a new chain of steps from another value. */
function addStep(source: Expression, step: Step): Expression {
  if (source.kind === "variable" || source.kind === "relative") {
    const range = rangeBetween(source.range, step.range);
    return { ...source, steps: [...source.steps, step], range };
  }
  const range = rangeBetween(source.range, step.range);
  return { kind: "relative", source, steps: [step], range };
}

function parseDot(p: ParserState, from: Expression, result: Expression): Expression {
  const dot = p.read();
  const next = p.peek();
  if (next.type === "identifier") {
    p.read();
    const range = rangeBetween(dot.range, next.range);
    return addStep(result, { kind: "attribute", name: next.text, range });
  }
  if (next.type === "number") {
    p.read();
    return addStep(result, parseLegacyIndex(p, dot, next, "Use the proper index syntax instead"));
  }
  if (next.type === "*") return parseAttributeSplat(p, { dot, from, source: result });
  p.error(next.range, "Invalid attribute name", "An attribute name is required after a dot.");
  p.recovering = true;
  return result;
}

/** `list.0` is an old way to write `list[0]`. */
function parseLegacyIndex(p: ParserState, dot: Token, token: Token, advice: string): Step {
  const range = rangeBetween(dot.range, token.range);
  const [first = "", second] = token.text.split(/\.(.*)/);
  if (second !== undefined) {
    p.error(
      token.range,
      "Invalid legacy index syntax",
      `When using the legacy index syntax, chaining two indexes together is not permitted. ${advice}, like [${first}][${second}].`,
    );
    return { kind: "index", key: UNKNOWN, range };
  }
  const literal = parseNumberToken(p, token);
  return { kind: "index", key: literal.kind === "literal" ? literal.value : UNKNOWN, range };
}

/** `list.*.a.b`: only names and numbers may follow; what comes after applies to the result. */
function parseAttributeSplat(
  p: ParserState,
  splat: { dot: Token; from: Expression; source: Expression },
): Expression {
  const star = p.read();
  const markerRange = rangeBetween(splat.dot.range, star.range);
  const steps: Step[] = [];
  let lastRange: Range = star.range;
  while (p.peek().type === ".") {
    const dot = p.read();
    const next = p.peek();
    if (next.type === "number") {
      p.read();
      const advice = "Use the proper index syntax with a full splat expression [*] instead";
      steps.push(parseLegacyIndex(p, dot, next, advice));
    } else if (next.type === "identifier") {
      p.read();
      const range = rangeBetween(dot.range, next.range);
      steps.push({ kind: "attribute", name: next.text, range });
    } else {
      reportBadSplatStep(p, next, star);
      break;
    }
    lastRange = next.range;
  }
  const item: Expression = { kind: "anonymous", range: markerRange };
  const [first] = steps;
  const each: Expression =
    first === undefined
      ? item
      : { kind: "relative", source: item, steps, range: rangeBetween(first.range, lastRange) };
  const range = rangeBetween(splat.from.range, lastRange);
  return { kind: "splat", source: splat.source, each, markerRange, range };
}

function reportBadSplatStep(p: ParserState, found: Token, star: Token): void {
  if (found.type === "*") {
    p.firstError(
      found.range,
      "Nested splat expression not allowed",
      "A splat expression (*) cannot be used inside another attribute-only splat expression.",
    );
  } else {
    p.firstError(
      star.range,
      "Invalid attribute name",
      "An attribute name is required after a dot.",
    );
  }
  p.recovering = true;
}

function parseBracket(p: ParserState, from: Expression, result: Expression): Expression {
  const open = p.read();
  if (p.peek().type === "*") return parseFullSplat(p, { open, from, source: result });
  const { key, close } = p.withNewlines(false, () => parseKey(p));
  const bracketRange = rangeBetween(open.range, close.range);
  const constant = constantKey(key);
  if (constant !== null) {
    return addStep(result, { kind: "index", key: constant, range: bracketRange });
  }
  const range = rangeBetween(from.range, bracketRange);
  return { kind: "index", collection: result, key, bracketRange, range };
}

function parseKey(p: ParserState): { key: Expression; close: Token } {
  const mark = p.diagnostics.length;
  const key = parseExpression(p);
  if (p.isLostSince(mark)) return { key, close: p.recoverTo("]") };
  const close = p.read();
  if (close.type === "]" || p.recovering) return { key, close };
  const found = p.recoverTo("]");
  p.error(
    found.range,
    "Missing close bracket on index",
    'The index operator must end with a closing bracket ("]").',
  );
  return { key, close: found };
}

function constantKey(key: Expression): Value | null {
  if (key.kind === "literal") return key.value;
  if (key.kind !== "template" || !key.parts.every((part) => part.kind === "literal")) return null;
  return string(key.parts.map((part) => stringOf(part.value)).join(""));
}

/** `list[*].a[0]`: everything that follows applies to each element. */
function parseFullSplat(
  p: ParserState,
  splat: { open: Token; from: Expression; source: Expression },
): Expression {
  p.read();
  let close = p.read();
  if (close.type !== "]" && !p.recovering) {
    close = p.recoverTo("]");
    p.error(
      close.range,
      "Missing close bracket on splat index",
      'The star for a full splat operator must be immediately followed by a closing bracket ("]").',
    );
  }
  const markerRange = rangeBetween(splat.open.range, close.range);
  const each = parseSteps(p, { kind: "anonymous", range: markerRange });
  const range = rangeBetween(splat.from.range, each.range);
  return { kind: "splat", source: splat.source, each, markerRange, range };
}
