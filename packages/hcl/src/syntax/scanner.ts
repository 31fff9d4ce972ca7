/**
 * Splits a whole file into tokens before parsing, so that bad characters anywhere are reported
 * first and the parser can look over a broken part to the next bracket.
 *
 *     normal ──"──▶ quoted ──${ %{──▶ normal … }──▶ quoted ──"──▶ normal
 *     normal ──<<X──▶ heredoc ──${ %{──▶ normal … }──▶ heredoc ──X──▶ normal
 */
import { range, type Source } from "../source.ts";
import type { Token, TokenType } from "./token.ts";

/** Most names are ASCII; the tables of all letters are expensive to load. */
const ASCII_NAME = /[A-Za-z_][A-Za-z0-9_-]*/y;
const IDENTIFIER = /[\p{ID_Start}_][\p{ID_Continue}-]*/uy;
const NUMBER = /\d(?:(?:[\d.]|[eE][+-]?\d)*(?:\d|[eE][+-]?\d))?/y;
const LINE_COMMENT = /(?:#|\/\/)[^\n]*\n?/y;
const BLOCK_COMMENT = /\/\*[\s\S]*?\*\//y;
const HEREDOC = /<<-?([\p{ID_Start}_][\p{ID_Continue}-]*)\r?\n/uy;
const NEWLINE = /\r?\n/y;
const PUNCTUATION = /\.\.\.|~\}|&&|\|\||==|!=|>=|<=|=>|::|[-+*/%!<>=?:,.{}()[\]&|^~`';]/y;
const TRIMMED_CLOSE = /~\}/y;
const OPEN_SEQUENCE = /[$%]\{~?/y;
const QUOTED_NEWLINES = /[\r\n]+/y;
/** `$${` and `%%{` are text; `$` and `%` are, unless `{` follows. */
const QUOTED_TEXT = /(?:\$\$\{|%%\{|[$%](?!\{)|\\[^\r\n]|[^$%"\\\r\n])+/y;
const HEREDOC_TEXT = /(?:\$\$\{|%%\{|[$%](?!\{)|\r(?!\n)|[^$%\r\n])*(?:\r?\n)?/y;
const SURROGATE = /[\ud800-\udfff]/;
/** How `decodeUtf8` marks bytes that are not UTF-8. */
const LONE_SURROGATE = /\p{Surrogate}/u;

interface Heredoc {
  readonly marker: string;
  atLineStart: boolean;
}

export type ScanMode = "normal" | "template";

/** Every file ends with an "end" token. */
export function scan(source: Source, mode: ScanMode): Token[] {
  const scanner = new Scanner(source);
  if (mode === "normal") scanner.normal(false);
  else scanner.bareTemplate();
  scanner.end();
  return scanner.tokens;
}

class Scanner {
  readonly tokens: Token[] = [];
  readonly #source: Source;
  readonly #text: string;
  readonly #hasBadBytes: boolean;
  #at = 0;

  constructor(source: Source) {
    this.#source = source;
    this.#text = source.text;
    this.#hasBadBytes = SURROGATE.test(this.#text) && LONE_SURROGATE.test(this.#text);
    if (this.#text.startsWith("\ufeff")) this.#at = 1;
  }

  end(): void {
    this.#emit("end", this.#text.length);
  }

  /** Until the end of file or, inside a template, until the brace that closes the sequence. */
  normal(inTemplate: boolean): void {
    let depth = 0;
    while (this.#at < this.#text.length) {
      this.#skipSpaces();
      if (inTemplate && depth === 0) {
        if (this.#take("closeSequence", TRIMMED_CLOSE)) return;
        if (this.#text[this.#at] === "}") {
          this.#emit("closeSequence", this.#at + 1);
          return;
        }
      }
      const character = this.#text[this.#at];
      if (character === undefined) return;
      if (character === "{") depth += 1;
      if (character === "}") depth -= 1;
      this.#normalToken(character);
    }
  }

  bareTemplate(): void {
    while (this.#at < this.#text.length) {
      if (this.#openSequence()) continue;
      if (!this.#take("text", HEREDOC_TEXT)) this.#oneCharacter();
    }
  }

  #normalToken(first: string): void {
    if (isNameStart(first)) {
      this.#name();
    } else if (first >= "0" && first <= "9") {
      this.#take("number", NUMBER);
    } else if (first === "\n" || first === "\r") {
      if (!this.#take("newline", NEWLINE)) this.#oneCharacter();
    } else if (first === '"') {
      this.#emit("openQuote", this.#at + 1);
      this.#quoted();
    } else if (first === "#" || first === "/") {
      if (this.#take("comment", LINE_COMMENT) || this.#take("comment", BLOCK_COMMENT)) return;
      this.#punctuation();
    } else if (first === "<" && this.#text[this.#at + 1] === "<") {
      if (!this.#openHeredoc()) this.#punctuation();
    } else this.#punctuation();
  }

  #name(): void {
    ASCII_NAME.lastIndex = this.#at;
    const end = ASCII_NAME.test(this.#text) ? ASCII_NAME.lastIndex : this.#at;
    const isWhole = end > this.#at && !(this.#text.charCodeAt(end) > 127);
    if (isWhole) this.#emit("identifier", end);
    else if (!this.#take("identifier", IDENTIFIER)) this.#oneCharacter();
  }

  #openHeredoc(): boolean {
    HEREDOC.lastIndex = this.#at;
    const marker = HEREDOC.exec(this.#text)?.[1];
    if (marker === undefined) return false;
    this.#emit("openHeredoc", HEREDOC.lastIndex);
    this.#heredoc({ marker, atLineStart: true });
    return true;
  }

  #punctuation(): void {
    PUNCTUATION.lastIndex = this.#at;
    const punctuation = PUNCTUATION.exec(this.#text)?.[0];
    if (punctuation === undefined) this.#oneCharacter();
    else if (punctuation === "~}") this.#emit("closeSequence", this.#at + 2);
    else this.#emit(punctuation as TokenType, this.#at + punctuation.length);
  }

  #quoted(): void {
    while (this.#at < this.#text.length) {
      if (this.#text[this.#at] === '"') {
        this.#emit("closeQuote", this.#at + 1);
        return;
      }
      if (this.#openSequence()) continue;
      if (this.#takeValidText("quotedText", QUOTED_TEXT)) continue;
      if (this.#take("quotedNewline", QUOTED_NEWLINES)) continue;
      this.#oneCharacter();
    }
  }

  #heredoc(heredoc: Heredoc): void {
    while (this.#at < this.#text.length) {
      if (this.#openSequence()) continue;
      HEREDOC_TEXT.lastIndex = this.#at;
      const text = HEREDOC_TEXT.exec(this.#text)?.[0] ?? "";
      if (text === "") {
        this.#oneCharacter();
        continue;
      }
      const fullLine = text.endsWith("\n");
      if (fullLine && heredoc.atLineStart && text.trim() === heredoc.marker) {
        this.#emit("closeHeredoc", this.#at + text.replace(/\r?\n$/, "").length);
        this.#take("newline", NEWLINE);
        return;
      }
      heredoc.atLineStart = fullLine;
      this.#takeValidText("text", HEREDOC_TEXT);
    }
  }

  #openSequence(): boolean {
    OPEN_SEQUENCE.lastIndex = this.#at;
    const opener = OPEN_SEQUENCE.exec(this.#text)?.[0];
    if (opener === undefined) return false;
    const type = opener.startsWith("$") ? "openInterpolation" : "openDirective";
    this.#emit(type, this.#at + opener.length);
    this.normal(true);
    return true;
  }

  #oneCharacter(): void {
    const character = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0);
    const type = LONE_SURROGATE.test(character) ? "badUtf8" : "invalid";
    this.#emit(type, this.#at + character.length);
  }

  /** Takes text up to the first byte that was not UTF-8 (see `decodeUtf8`). */
  #takeValidText(type: TokenType, pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#text)?.[0] ?? "";
    if (text === "") return false;
    const bad = this.#hasBadBytes ? text.search(LONE_SURROGATE) : -1;
    if (bad === 0) return false;
    this.#emit(type, this.#at + (bad === -1 ? text.length : bad));
    return true;
  }

  #take(type: TokenType, pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#text)?.[0] ?? "";
    if (text === "") return false;
    this.#emit(type, this.#at + text.length);
    return true;
  }

  #skipSpaces(): void {
    while (this.#text[this.#at] === " " || this.#text[this.#at] === "\t") this.#at += 1;
  }

  #emit(type: TokenType, end: number): void {
    const where = range(this.#source, this.#at, end);
    this.tokens.push({ type, text: this.#text.slice(this.#at, end), range: where });
    this.#at = end;
  }
}

function isNameStart(first: string): boolean {
  return (
    (first >= "a" && first <= "z") ||
    (first >= "A" && first <= "Z") ||
    first === "_" ||
    first > "\x7f"
  );
}
