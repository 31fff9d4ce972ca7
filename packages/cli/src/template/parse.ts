/** Go templates of `-t`, as a tree: text, actions, `if`, `range`, `with` and variables. */

/** What an action computes: each command's value is the last argument of the next. */
export interface Pipeline {
  readonly variables: readonly string[];
  readonly commands: readonly (readonly Operand[])[];
  /** As written, and where it begins in its line. */
  readonly source: string;
  readonly line: number;
  readonly column: number;
}

export type Operand =
  | { readonly kind: "literal"; readonly value: string | number | boolean | null }
  /** `.A.B`, `$.A`, `$x.A`: `from` is "" for the dot. */
  | { readonly kind: "field"; readonly from: string; readonly names: readonly string[] }
  | { readonly kind: "function"; readonly name: string }
  /** `(…).A` */
  | { readonly kind: "group"; readonly pipeline: Pipeline; readonly names: readonly string[] };

export type TemplateNode =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly pipeline: Pipeline }
  | {
      readonly kind: "if" | "range" | "with";
      readonly pipeline: Pipeline;
      readonly body: readonly TemplateNode[];
      readonly otherwise: readonly TemplateNode[];
    };

/** Message as Go words it: `template: :1: unclosed action`. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

interface Piece {
  readonly action: boolean;
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

export function parseTemplate(text: string): TemplateNode[] {
  return new Parser(split(text)).top();
}

function split(text: string): Piece[] {
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
    if (plain !== "") pieces.push({ action: false, text: plain, ...placeOf(text, at) });
    if (open < 0) break;
    const close = closing(text, open);
    const inner = text.slice(open + (trimEnd ? 3 : 2), close);
    trimNext = /\s-$/.test(inner);
    const body = trimNext ? inner.slice(0, -1) : inner;
    const start = open + (trimEnd ? 3 : 2) + (body.length - body.trimStart().length);
    if (!/^\s*\/\*.*\*\/\s*$/s.test(body)) {
      pieces.push({ action: true, text: body.trim(), ...placeOf(text, start) });
    }
    at = close + 2;
  }
  return pieces;
}

/** Where `}}` ends an action; quotes may hold one. */
function closing(text: string, open: number): number {
  const pattern = /"(?:[^"\\\n]|\\.)*"|`[^`]*`|\}\}/g;
  pattern.lastIndex = open + 2;
  for (let found = pattern.exec(text); found; found = pattern.exec(text)) {
    if (found[0] === "}}") return found.index;
  }
  throw new TemplateError(`template: :${placeOf(text, open).line}: unclosed action`);
}

function placeOf(text: string, at: number): { line: number; column: number } {
  const before = text.slice(0, at).split("\n");
  return { line: before.length, column: before.at(-1)?.length ?? 0 };
}

class Parser {
  readonly #pieces: readonly Piece[];
  #at = 0;

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
  }

  top(): TemplateNode[] {
    const { nodes, stop } = this.#until();
    if (stop !== null) throw broken(stop, `unexpected {{${stop.text}}}`);
    return nodes;
  }

  /** Up to `else`, `end` or the end of the text. */
  #until(): { nodes: TemplateNode[]; stop: Piece | null } {
    const nodes: TemplateNode[] = [];
    while (this.#at < this.#pieces.length) {
      const piece = this.#pieces[this.#at++] as Piece;
      if (!piece.action) nodes.push({ kind: "text", text: piece.text });
      else if (/^(?:else|end)\b/.test(piece.text)) return { nodes, stop: piece };
      else nodes.push(this.#action(piece));
    }
    return { nodes, stop: null };
  }

  #action(piece: Piece): TemplateNode {
    const word = /^(if|range|with)\b\s*/.exec(piece.text);
    if (!word) return { kind: "action", pipeline: pipelineOf(piece, piece.text, 0) };
    const kind = word[1] as "if" | "range" | "with";
    return this.#block(kind, pipelineOf(piece, piece.text.slice(word[0].length), word[0].length));
  }

  #block(kind: "if" | "range" | "with", pipeline: Pipeline): TemplateNode {
    const body = this.#until();
    const { stop } = body;
    if (stop === null) throw new TemplateError("template: :1: unexpected EOF");
    if (stop.text === "end") return { kind, pipeline, body: body.nodes, otherwise: [] };
    const chained = /^else\s+(if|with)\s+/.exec(stop.text);
    if (chained) {
      const rest = stop.text.slice(chained[0].length);
      const next = pipelineOf(stop, rest, chained[0].length);
      const inner = this.#block(chained[1] as "if" | "with", next);
      return { kind, pipeline, body: body.nodes, otherwise: [inner] };
    }
    const other = this.#until();
    if (other.stop?.text !== "end") throw broken(stop, "expected end; found {{else}}");
    return { kind, pipeline, body: body.nodes, otherwise: other.nodes };
  }
}

function broken(piece: { readonly line: number }, reason: string): TemplateError {
  return new TemplateError(`template: :${piece.line}: ${reason}`);
}

const TOKEN =
  /(\s*)(?:("(?:[^"\\]|\\.)*")|`([^`]*)`|(-?\d+(?:\.\d+)?)|((?:\$\w*)?(?:\.\w+)+|\$\w*|\.)|(\w+)|(:=|[|(),]))/y;

function pipelineOf(piece: Piece, text: string, offset: number): Pipeline {
  const tokens = tokensOf(piece, text);
  const declared = variablesOf(tokens);
  const place = { line: piece.line, column: piece.column + offset };
  const reader = { tokens: declared.rest, at: 0, place };
  const commands = readCommands(reader);
  if (reader.at < declared.rest.length) throw broken(piece, "unexpected right paren");
  if (commands.every((command) => command.length === 0)) {
    throw broken(piece, "missing value for command");
  }
  return { variables: declared.names, commands, source: text, ...place };
}

type Token = (Operand | { readonly kind: "mark"; readonly text: string }) & {
  /** Nothing stands between it and what comes before. */
  readonly joined: boolean;
};

function tokensOf(piece: Piece, text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  let end = 0;
  for (let found = TOKEN.exec(text); found; found = TOKEN.exec(text)) {
    end = TOKEN.lastIndex;
    tokens.push({ ...tokenOf(found), joined: found[1] === "" });
    if (end >= text.trimEnd().length) break;
  }
  const rest = text.slice(end).trim();
  if (rest !== "") throw broken(piece, `unexpected ${JSON.stringify(rest[0])} in command`);
  return tokens;
}

function tokenOf(found: RegExpExecArray): Operand | { kind: "mark"; text: string } {
  const [, , quoted, raw, number, field, word, mark] = found;
  if (quoted !== undefined) return { kind: "literal", value: JSON.parse(quoted) as string };
  if (raw !== undefined) return { kind: "literal", value: raw };
  if (number !== undefined) return { kind: "literal", value: Number(number) };
  if (field !== undefined) {
    const [from = "", ...names] = field.split(".");
    return { kind: "field", from, names: names.filter((name) => name !== "") };
  }
  if (word === "true" || word === "false") return { kind: "literal", value: word === "true" };
  if (word === "nil") return { kind: "literal", value: null };
  if (word !== undefined) return { kind: "function", name: word };
  return { kind: "mark", text: mark ?? "" };
}

/** `$i, $x := …` */
function variablesOf(tokens: readonly Token[]): { names: string[]; rest: readonly Token[] } {
  const at = tokens.findIndex((token) => token.kind === "mark" && token.text === ":=");
  if (at < 0) return { names: [], rest: tokens };
  const names = tokens.slice(0, at).flatMap((token) => (token.kind === "field" ? token.from : []));
  return { names, rest: tokens.slice(at + 1) };
}

interface Reader {
  readonly tokens: readonly Token[];
  at: number;
  readonly place: { readonly line: number; readonly column: number };
}

function readCommands(reader: Reader): Operand[][] {
  const commands: Operand[][] = [[]];
  while (reader.at < reader.tokens.length) {
    const token = reader.tokens[reader.at] as Token;
    if (token.kind === "mark" && token.text === ")") break;
    reader.at++;
    if (token.kind !== "mark") commands.at(-1)?.push(token);
    else if (token.text === "|") commands.push([]);
    else if (token.text === "(") commands.at(-1)?.push(readGroup(reader));
    else throw broken(reader.place, `unexpected <${token.text}> in operand`);
  }
  return commands;
}

function readGroup(reader: Reader): Operand {
  const commands = readCommands(reader);
  if (reader.at >= reader.tokens.length) throw broken(reader.place, "unclosed left paren");
  reader.at++;
  const pipeline = { variables: [], commands, source: "", ...reader.place };
  const next = reader.tokens[reader.at];
  if (next?.kind !== "field" || !next.joined || next.from !== "") {
    return { kind: "group", pipeline, names: [] };
  }
  reader.at++;
  return { kind: "group", pipeline, names: next.names };
}
