/**
 * The parser's place in the tokens, the problems found, and how to go on after one. Once a
 * problem was met, `recovering` stays set and problems that may only follow from it are not told.
 */
import { assert } from "@drover/base";
import { type Diagnostic, errorAt } from "../diagnostic.ts";
import type { Range } from "../source.ts";
import type { Token, TokenType } from "./token.ts";

const OPPOSITE: { readonly [type in TokenType]?: TokenType } = {
  "{": "}",
  "}": "{",
  "[": "]",
  "]": "[",
  "(": ")",
  ")": "(",
  openQuote: "closeQuote",
  closeQuote: "openQuote",
  openHeredoc: "closeHeredoc",
  closeHeredoc: "openHeredoc",
  openInterpolation: "closeSequence",
  openDirective: "closeSequence",
  closeSequence: "openInterpolation",
};

const OPENERS: ReadonlySet<TokenType> = new Set([
  "{",
  "[",
  "(",
  "openQuote",
  "openHeredoc",
  "openInterpolation",
  "openDirective",
]);
const CLOSERS: ReadonlySet<TokenType> = new Set(["}", "]", ")", "closeQuote", "closeHeredoc"]);

export class ParserState {
  readonly diagnostics: Diagnostic[];
  recovering = false;
  readonly #tokens: readonly Token[];
  #next = 0;
  #previous = 0;
  readonly #newlines: boolean[] = [true];

  constructor(tokens: readonly Token[], diagnostics: Diagnostic[]) {
    this.#tokens = tokens;
    this.diagnostics = diagnostics;
  }

  peek(): Token {
    return this.#lookAt().token;
  }

  read(): Token {
    const { token, index } = this.#lookAt();
    this.#previous = index;
    this.#next = Math.min(index + 1, this.#tokens.length - 1);
    return token;
  }

  /** Where the last token stood. */
  previousRange(): Range {
    const token = this.#tokens[this.#previous];
    assert(token !== undefined, "the previous token exists");
    return token.range;
  }

  /** Runs `parse` with line breaks as tokens, or with line breaks as white space. */
  withNewlines<T>(significant: boolean, parse: () => T): T {
    this.#newlines.push(significant);
    const result = parse();
    this.#newlines.pop();
    return result;
  }

  /** Comments are skipped; a line comment's line break counts where line breaks do. */
  #lookAt(): { token: Token; index: number } {
    const newlines = this.#newlines.at(-1) ?? true;
    let index = this.#next;
    for (;;) {
      const token = this.#tokens[index];
      assert(token !== undefined, "the last token is the end of the file");
      if (token.type === "comment") {
        if (newlines && token.text.endsWith("\n")) {
          return { token: { type: "newline", text: "\n", range: token.range }, index };
        }
      } else if (token.type !== "newline" || newlines) return { token, index };
      index += 1;
    }
  }

  error(where: Range, summary: string, detail: string): void {
    this.diagnostics.push(errorAt(where, summary, detail));
  }

  /** As `error`, but silent when the problem may follow from an earlier one. */
  firstError(where: Range, summary: string, detail: string): void {
    if (!this.recovering) this.error(where, summary, detail);
  }

  /** Whether something parsed since `mark` (a count of diagnostics) left us in a strange place. */
  isLostSince(mark: number): boolean {
    return this.recovering && this.diagnostics.length > mark;
  }

  /** Reads to the `end` that belongs to us, over nested brackets of its kind. */
  recoverTo(end: TokenType): Token {
    this.recovering = true;
    const start = OPPOSITE[end];
    let nesting = 0;
    for (;;) {
      const token = this.read();
      if (token.type === "end") return token;
      if (token.type === end) {
        if (nesting === 0) return token;
        nesting -= 1;
      } else if (
        token.type === start ||
        (end === "closeSequence" && token.type === "openDirective")
      ) {
        nesting += 1;
      }
    }
  }

  /** Reads to the end of the line that is outside of all brackets opened from here on. */
  recoverAfterItem(): void {
    this.recovering = true;
    const open: TokenType[] = [];
    for (;;) {
      const token = this.read();
      if (token.type === "end" || (token.type === "newline" && open.length === 0)) return;
      if (OPENERS.has(token.type)) open.push(token.type);
      else if (CLOSERS.has(token.type)) popTo(open, (type) => type === OPPOSITE[token.type]);
      else if (token.type === "closeSequence") {
        popTo(open, (type) => type === "openInterpolation" || type === "openDirective");
      }
    }
  }
}

function popTo(open: TokenType[], isOpener: (type: TokenType) => boolean): void {
  for (;;) {
    const last = open.pop();
    if (last === undefined || isOpener(last)) return;
  }
}

export function isKeyword(token: Token, keyword: string): boolean {
  return token.type === "identifier" && token.text === keyword;
}
