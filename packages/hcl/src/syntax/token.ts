/** Tokens of the native syntax. Punctuation is its own type; the rest has names. */
import type { Range } from "../source.ts";

export type TokenType =
  | "{"
  | "}"
  | "["
  | "]"
  | "("
  | ")"
  | "="
  | "=="
  | "!="
  | "<"
  | "<="
  | ">"
  | ">="
  | "&&"
  | "||"
  | "!"
  | "+"
  | "-"
  | "*"
  | "/"
  | "%"
  | "."
  | ","
  | "..."
  | "=>"
  | "?"
  | ":"
  | "::"
  /** Operators of other languages, kept apart for better messages. */
  | "&"
  | "|"
  | "^"
  | "~"
  | "`"
  | "'"
  | ";"
  | "openQuote"
  | "closeQuote"
  | "openHeredoc"
  | "closeHeredoc"
  /** Text in quotes, escapes not yet decoded. */
  | "quotedText"
  /** Text in a heredoc or bare template: one token per line. */
  | "text"
  /** A line break inside quotes, which is not allowed. */
  | "quotedNewline"
  /** `${` or `${~` */
  | "openInterpolation"
  /** `%{` or `%{~` */
  | "openDirective"
  /** `}` or `~}` */
  | "closeSequence"
  | "identifier"
  | "number"
  | "comment"
  | "newline"
  | "badUtf8"
  | "invalid"
  | "end";

export interface Token {
  readonly type: TokenType;
  readonly text: string;
  readonly range: Range;
}
