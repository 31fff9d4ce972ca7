/** Characters that the language does not have, told before anything else, with advice. */
import { type Diagnostic, errorAt } from "../diagnostic.ts";
import type { Token, TokenType } from "./token.ts";

interface Advice {
  readonly summary: string;
  readonly detail: string;
  /** Which of its occurrences are told. */
  readonly tells: (occurrence: number) => boolean;
}

const always = (): boolean => true;
const firstOnly = (occurrence: number): boolean => occurrence === 0;
const firstFour = (occurrence: number): boolean => occurrence < 4;
/** The opening ones of a pair, until it is clear that there are many. */
const opening = (occurrence: number): boolean => occurrence === 0 || occurrence === 2;

function character(detail: string, tells: (occurrence: number) => boolean): Advice {
  return { summary: "Invalid character", detail, tells };
}

function operator(detail: string, tells: (occurrence: number) => boolean): Advice {
  return { summary: "Unsupported operator", detail, tells };
}

const BITWISE = "Bitwise operators are not supported.";
const ADVICE: { readonly [type in TokenType]?: Advice } = {
  "&": operator(`${BITWISE} Did you mean boolean AND ("&&")?`, firstFour),
  "|": operator(`${BITWISE} Did you mean boolean OR ("||")?`, firstFour),
  "~": operator(`${BITWISE} Did you mean boolean NOT ("!")?`, firstFour),
  "^": operator(BITWISE, firstFour),
  "`": character(
    'The "`" character is not valid. To create a multi-line string, use the "heredoc" syntax, like "<<EOT".',
    opening,
  ),
  "'": character('Single quotes are not valid. Use double quotes (") to enclose strings.', opening),
  ";": character(
    'The ";" character is not valid. Use newlines to separate arguments and blocks, and commas to separate items in collection values.',
    firstOnly,
  ),
  badUtf8: {
    summary: "Invalid character encoding",
    detail:
      "All input files must be UTF-8 encoded. Ensure that UTF-8 encoding is selected in your editor.",
    tells: firstOnly,
  },
  quotedNewline: {
    summary: "Invalid multi-line string",
    detail:
      'Quoted strings may not be split over multiple lines. To produce a multi-line string, either use the \\n escape to represent a newline character or use the "heredoc" multi-line template syntax.',
    tells: always,
  },
  invalid: character("This character is not used within the language.", always),
};

const CURLY_QUOTES = character(
  '"Curly quotes" are not valid here. These can sometimes be inadvertently introduced when sharing code via documents or discussion forums. It might help to replace the character with a "straight quote".',
  always,
);

export function checkTokens(tokens: readonly Token[]): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const seen = new Map<TokenType, number>();
  for (const token of tokens) {
    const isCurlyQuote = token.type === "invalid" && /[“”]/.test(token.text);
    const advice = isCurlyQuote ? CURLY_QUOTES : ADVICE[token.type];
    if (advice === undefined) continue;
    const kind = isBitwise(token.type) ? "&" : token.type;
    const occurrence = seen.get(kind) ?? 0;
    seen.set(kind, occurrence + 1);
    if (!advice.tells(occurrence)) continue;
    diagnostics.push(errorAt(token.range, advice.summary, advice.detail));
  }
  return diagnostics;
}

function isBitwise(type: TokenType): boolean {
  return type === "&" || type === "|" || type === "^" || type === "~";
}
