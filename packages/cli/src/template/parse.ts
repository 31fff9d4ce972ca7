/** Go templates of `-t`, as a tree: text, actions, blocks, definitions and variables. */

import type { Json } from "@drover/model";
import { quote } from "../format/quote.ts";
import { isFunction } from "./functions.ts";
import {
  type Piece,
  type Place,
  parseFailure,
  splitTemplate,
  type TemplateError,
  type Token,
  tokensOf,
} from "./lex.ts";
import { literalOf, stringOf } from "./literals.ts";

/** One of a pipeline's commands: its operands, and what errors in it name. */
export interface CommandNode extends Place {
  readonly operands: readonly Operand[];
  readonly source: string;
}

/** What an action computes: each command's value is the last argument of the next. */
export interface Pipeline extends Place {
  readonly variables: readonly string[];
  /** `$x = 1` changes a variable that is there. */
  readonly assigns: boolean;
  readonly commands: readonly CommandNode[];
}

interface OperandPlace extends Place {
  readonly source: string;
}

export type Operand = OperandPlace &
  (
    | { readonly kind: "literal"; readonly value: Json }
    /** The dot (`from` ""), or a variable, and the fields behind it. */
    | { readonly kind: "field"; readonly from: string; readonly names: readonly string[] }
    | { readonly kind: "function"; readonly name: string }
    /** `(…).A` */
    | { readonly kind: "group"; readonly pipeline: Pipeline; readonly names: readonly string[] }
  );

export type TemplateNode =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly pipeline: Pipeline }
  | { readonly kind: "break" | "continue" }
  | (OperandPlace & {
      readonly kind: "template";
      readonly name: string;
      readonly pipeline: Pipeline | null;
    })
  | {
      readonly kind: "if" | "range" | "with";
      readonly pipeline: Pipeline;
      readonly body: readonly TemplateNode[];
      readonly otherwise: readonly TemplateNode[];
    };

export interface Template {
  readonly nodes: readonly TemplateNode[];
  readonly defined: ReadonlyMap<string, readonly TemplateNode[]>;
}

export function parseTemplate(text: string): Template {
  return new Parser(text).all();
}

type BlockWord = "if" | "range" | "with";

class Parser {
  readonly #template: string;
  readonly #pieces: readonly Piece[];
  readonly #defined = new Map<string, readonly TemplateNode[]>();
  /** Variables that are known here, in the order in which they were declared. */
  #variables: string[] = ["$"];
  #ranges = 0;
  #at = 0;

  constructor(template: string) {
    this.#template = template;
    this.#pieces = splitTemplate(template);
  }

  all(): Template {
    const { nodes, stop } = this.#until();
    if (stop !== null) throw parseFailure(stop, `unexpected {{${stop.text.trim()}}}`);
    return { nodes, defined: this.#defined };
  }

  /** Up to `else`, `end` or the end of the text. */
  #until(): { nodes: TemplateNode[]; stop: Piece | null } {
    const nodes: TemplateNode[] = [];
    while (this.#at < this.#pieces.length) {
      const piece = this.#pieces[this.#at++] as Piece;
      if (piece.kind === "text") nodes.push({ kind: "text", text: piece.text });
      else if (/^\s*(?:else|end)\b/.test(piece.text)) return { nodes, stop: piece };
      else nodes.push(...this.#action(piece));
    }
    return { nodes, stop: null };
  }

  #action(piece: Piece): TemplateNode[] {
    const tokens = tokensOf(this.#template, piece);
    const [first] = tokens;
    const word = first?.kind === "word" ? first.text : "";
    switch (word) {
      case "if":
      case "range":
      case "with":
        return [this.#block(word, this.#reader(piece, tokens.slice(1)))];
      case "break":
      case "continue":
        if (this.#ranges === 0) throw parseFailure(piece, `{{${word}}} outside {{range}}`);
        return [{ kind: word }];
      case "define":
        this.#define(piece, tokens);
        return [];
      case "block":
        return [this.#definedHere(piece, tokens)];
      case "template":
        return [this.#call(piece, tokens)];
      default:
        return [
          { kind: "action", pipeline: this.#pipeline(this.#reader(piece, tokens), "command") },
        ];
    }
  }

  #reader(piece: Piece, tokens: readonly Token[]): Reader {
    return new Reader(piece, tokens);
  }

  #block(kind: BlockWord, reader: Reader): TemplateNode {
    const known = this.#variables.length;
    const pipeline = this.#pipeline(reader, kind);
    this.#ranges += kind === "range" ? 1 : 0;
    const { nodes: body, stop } = this.#until();
    this.#ranges -= kind === "range" ? 1 : 0;
    if (stop === null) throw this.#unexpectedEnd();
    const otherwise = this.#otherwise(stop);
    this.#variables.length = known;
    return { kind, pipeline, body, otherwise };
  }

  #otherwise(stop: Piece): readonly TemplateNode[] {
    const [, next, ...rest] = tokensOf(this.#template, stop);
    if (/^\s*end\s*$/.test(stop.text)) return [];
    if (next?.kind === "word" && (next.text === "if" || next.text === "with")) {
      return [this.#block(next.text, this.#reader(stop, rest))];
    }
    const other = this.#until();
    if (other.stop === null) throw this.#unexpectedEnd();
    if (!/^\s*end\s*$/.test(other.stop.text)) {
      throw parseFailure(other.stop, "expected end; found {{else}}");
    }
    return other.nodes;
  }

  #define(piece: Piece, tokens: readonly Token[]): string {
    const name = this.#nameOf(piece, tokens);
    const outer = this.#variables;
    this.#variables = ["$"];
    const { nodes, stop } = this.#until();
    if (stop === null) throw this.#unexpectedEnd();
    this.#variables = outer;
    this.#defined.set(name, nodes);
    return name;
  }

  #definedHere(piece: Piece, tokens: readonly Token[]): TemplateNode {
    const call = this.#call(piece, tokens);
    this.#define(piece, tokens);
    return call;
  }

  #call(piece: Piece, tokens: readonly Token[]): TemplateNode {
    const name = this.#nameOf(piece, tokens);
    const rest = tokens.slice(2);
    const pipeline =
      rest.length === 0 ? null : this.#pipeline(this.#reader(piece, rest), "template clause");
    const { line, column } = tokens[1] as Token;
    return { kind: "template", name, pipeline, source: `{{${piece.text.trim()}}}`, line, column };
  }

  #nameOf(piece: Piece, tokens: readonly Token[]): string {
    const [word, name] = tokens;
    if (name?.kind === "string") return stringOf(name.text);
    throw parseFailure(piece, `unexpected ${shown(name)} in ${word?.text} clause`);
  }

  #unexpectedEnd(): TemplateError {
    const lines = this.#template.split("\n").length;
    return parseFailure({ line: lines }, "unexpected EOF");
  }

  #pipeline(reader: Reader, context: string): Pipeline {
    const declared = reader.variables();
    if (declared.names.length > (context === "range" ? 2 : 1)) {
      throw parseFailure(reader.piece, `too many declarations in ${context}`);
    }
    const place = reader.place();
    const commands = this.#commands(reader);
    const extra = reader.next();
    if (extra !== undefined) throw parseFailure(extra, "unexpected right paren");
    if (commands.length === 0) throw parseFailure(reader.piece, `missing value for ${context}`);
    if (declared.assigns) {
      for (const name of declared.names) this.#checkVariable(reader.piece, name);
    } else this.#variables.push(...declared.names);
    return { variables: declared.names, assigns: declared.assigns, commands, ...place };
  }

  #commands(reader: Reader): CommandNode[] {
    const commands: CommandNode[] = [];
    for (;;) {
      const start = reader.peek();
      if (start === undefined || start.text === ")") return commands;
      if (start.kind === "mark" && start.text === "|") {
        throw parseFailure(start, 'unexpected "|" in command');
      }
      const operands: Operand[] = [];
      for (let token = reader.peek(); token !== undefined; token = reader.peek()) {
        if (token.kind === "mark" && token.text !== "(") break;
        operands.push(this.#operand(reader, token));
      }
      const { line, column } = start;
      commands.push({ operands, source: reader.since(start), line, column });
      const end = reader.peek();
      if (end === undefined || end.text === ")") return commands;
      if (end.text !== "|") throw parseFailure(end, `unexpected ${shown(end)} in operand`);
      reader.next();
    }
  }

  #operand(reader: Reader, token: Token): Operand {
    reader.next();
    const { line, column } = token;
    switch (token.kind) {
      case "variable":
        this.#checkVariable(token, token.text);
        return this.#chain(reader, token, { from: token.text, names: [] });
      case "field":
        return this.#chain(reader, token, { from: "", names: [token.text.slice(1)] });
      case "dot":
        return { kind: "field", from: "", names: [], source: ".", line, column };
      case "mark":
        return this.#group(reader, token);
      case "word":
        return this.#word(token);
      default:
        return { kind: "literal", value: literalOf(token), source: token.text, line, column };
    }
  }

  #word({ text, line, column }: Token): Operand {
    const place = { source: text, line, column };
    if (text === "true" || text === "false") {
      return { kind: "literal", value: text === "true", ...place };
    }
    if (text === "nil") return { kind: "literal", value: null, ...place };
    if (isFunction(text)) return { kind: "function", name: text, ...place };
    throw parseFailure({ line }, `function ${quote(text)} not defined`);
  }

  #chain(
    reader: Reader,
    first: Token,
    start: { readonly from: string; readonly names: readonly string[] },
  ): Operand {
    const { names, place } = this.#fields(reader);
    const { line, column } = place ?? first;
    const all = [...start.names, ...names];
    return {
      kind: "field",
      from: start.from,
      names: all,
      source: reader.since(first),
      line,
      column,
    };
  }

  /** Go takes a chain to begin at its second part. */
  #fields(reader: Reader): { names: string[]; place: Token | null } {
    const names: string[] = [];
    let place: Token | null = null;
    for (let next = reader.peek(); next?.joined === true; next = reader.peek()) {
      if (next.kind === "dot") throw parseFailure(next, "unexpected <.> in operand");
      if (next.kind !== "field") break;
      place ??= next;
      names.push(next.text.slice(1));
      reader.next();
    }
    return { names, place };
  }

  #group(reader: Reader, open: Token): Operand {
    const commands = this.#commands(reader);
    if (reader.next() === undefined) throw parseFailure(open, "unclosed left paren");
    if (commands.length === 0) {
      throw parseFailure(open, "missing value for parenthesized pipeline");
    }
    const { line, column } = open;
    const pipeline = { variables: [], assigns: false, commands, line, column };
    const { names } = this.#fields(reader);
    return { kind: "group", pipeline, names, source: reader.since(open), line, column };
  }

  #checkVariable(place: { readonly line: number }, name: string): void {
    if (this.#variables.includes(name)) return;
    throw parseFailure(place, `undefined variable ${quote(name)}`);
  }
}

function shown(token: Token | undefined): string {
  return token === undefined ? "EOF" : JSON.stringify(token.text);
}

/** The tokens of one action, one after the other. */
class Reader {
  readonly piece: Piece;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(piece: Piece, tokens: readonly Token[]) {
    this.piece = piece;
    this.#tokens = tokens;
  }

  peek(): Token | undefined {
    return this.#tokens[this.#at];
  }

  next(): Token | undefined {
    return this.#tokens[this.#at++];
  }

  place(): Place {
    const { line, column } = this.peek() ?? this.piece;
    return { line, column };
  }

  /** What was written from a token up to where this stands, its blanks squeezed. */
  since(token: Token): string {
    const last = this.#tokens[this.#at - 1] ?? token;
    const text = this.piece.text.slice(token.end - token.text.length, last.end);
    return text.replace(/\s+/g, " ");
  }

  /** `$i, $x :=` */
  variables(): { names: string[]; assigns: boolean } {
    const at = this.#tokens.findIndex(({ kind, text }) => kind === "mark" && /^:?=$/.test(text));
    if (at < 0) return { names: [], assigns: false };
    const names = this.#tokens
      .slice(0, at)
      .flatMap(({ kind, text }) => (kind === "variable" ? text : []));
    this.#at = at + 1;
    return { names, assigns: this.#tokens[at]?.text === "=" };
  }
}
