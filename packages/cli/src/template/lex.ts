/** A Go template as text and actions, and an action as tokens with their places. */

/** Message as Go words it: `template: :1: unclosed action`. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

/** Line, and bytes before it in that line. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface Piece extends Place {
  readonly kind: "text" | "action";
  readonly text: string;
  /** Where `text` begins in the template. */
  readonly start: number;
}

export interface Token extends Place {
  readonly kind: "string" | "char" | "number" | "field" | "variable" | "dot" | "word" | "mark";
  readonly text: string;
  /** Nothing stands between it and what comes before. */
  readonly joined: boolean;
  /** In the action. */
  readonly end: number;
}

export function parseFailure(place: { readonly line: number }, reason: string): TemplateError {
  return new TemplateError(`template: :${place.line}: ${reason}`);
}

export function splitTemplate(text: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let trimNext = false;
  while (at < text.length) {
    const open = text.indexOf("{{", at);
    const end = open < 0 ? text.length : open;
    const trimEnd = open >= 0 && /^\{\{-\s/.test(text.slice(open, open + 4));
    let plain = text.slice(at, end);
    if (trimNext) plain = plain.trimStart();
    if (trimEnd) plain = plain.trimEnd();
    if (plain !== "") pieces.push({ kind: "text", text: plain, start: at, ...placeOf(text, at) });
    if (open < 0) break;
    const start = open + (trimEnd ? 3 : 2);
    const isComment = /^\s*\/\*/.test(text.slice(start));
    const close = isComment ? endOfComment(text, start) : endOfAction(text, start);
    const inner = text.slice(start, close);
    trimNext = /\s-$/.test(inner);
    const body = trimNext ? inner.slice(0, -1) : inner;
    const place = placeOf(text, start);
    if (!isComment) pieces.push({ kind: "action", text: body, start, ...place });
    at = close + 2;
  }
  return pieces;
}

function endOfComment(text: string, start: number): number {
  const end = text.indexOf("*/", start);
  if (end < 0) throw parseFailure(placeOf(text, start), "unclosed comment");
  const rest = /^\s*(?:\s-)?\}\}/.exec(text.slice(end + 2));
  if (!rest) throw parseFailure(placeOf(text, start), "comment ends before closing delimiter");
  return end + 2 + rest[0].length - 2;
}

/** Where `}}` ends an action; quotes may hold one. */
function endOfAction(text: string, start: number): number {
  const pattern = /"(?:[^"\\\n]|\\.)*"|`[^`]*`|'(?:[^'\\\n]|\\.)*'|\}\}|["`']|\}/g;
  pattern.lastIndex = start;
  for (let found = pattern.exec(text); found; found = pattern.exec(text)) {
    const [mark] = found;
    if (mark === "}}") return found.index;
    const place = placeOf(text, found.index);
    if (mark === '"') throw parseFailure(place, "unterminated quoted string");
    if (mark === "`") throw parseFailure(place, "unterminated raw quoted string");
    if (mark === "'") throw parseFailure(place, "unterminated character constant");
    if (mark === "}") throw parseFailure(place, "bad character U+007D '}'");
  }
  throw parseFailure(placeOf(text, start), "unclosed action");
}

export function placeOf(text: string, at: number): Place {
  const before = text.slice(0, at).split("\n");
  return { line: before.length, column: new TextEncoder().encode(before.at(-1)).length };
}

const TOKEN =
  /(\s*)(?:("(?:[^"\\]|\\.)*"|`[^`]*`)|('(?:[^'\\]|\\.)+')|([-+]?(?:0[xX][\da-fA-F]+|\d[\d_]*(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+))|(\.[A-Za-z_]\w*)|(\$\w*)|(\.)|([A-Za-z_]\w*)|(:=|[=|(),]))/y;
const KINDS = ["string", "char", "number", "field", "variable", "dot", "word", "mark"] as const;

export function tokensOf(template: string, piece: Piece): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  let end = 0;
  for (let found = TOKEN.exec(piece.text); found; found = TOKEN.exec(piece.text)) {
    const [, blank = "", ...texts] = found;
    const kind = texts.findIndex((text) => text !== undefined);
    const start = end + blank.length;
    end = TOKEN.lastIndex;
    tokens.push({
      kind: KINDS[kind] as Token["kind"],
      text: texts[kind] as string,
      joined: blank === "" && tokens.length > 0,
      end,
      ...placeOf(template, piece.start + start),
    });
  }
  const rest = piece.text.slice(end).trim();
  if (rest === "") return tokens;
  const place = placeOf(template, piece.start + end);
  if (/^[-+]/.test(rest)) {
    throw parseFailure(place, `bad number syntax: ${JSON.stringify(rest.slice(0, 3))}`);
  }
  const where = tokens.length > 0 ? "operand" : "command";
  throw parseFailure(place, `unexpected ${JSON.stringify(rest[0])} in ${where}`);
}
