/** Turns the text of a token into what it means: escapes in quotes, `$${` and `%%{` everywhere. */
import { type Diagnostic, errorAt } from "../diagnostic.ts";
import { graphemes, range } from "../source.ts";
import type { Token } from "./token.ts";

const SIMPLE: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  '"': '"',
  "\\": "\\",
};
const SPECIAL = /\\[\s\S]|\$\$\{|%%\{/gu;
const DIGITS: Readonly<Record<string, { count: number; name: string }>> = {
  u: { count: 4, name: "four" },
  U: { count: 8, name: "eight" },
};

export function decodeText(token: Token, diagnostics: Diagnostic[]): string {
  const quoted = token.type === "quotedText";
  if (!quoted || !token.text.includes("\\")) return token.text.replace(/([$%])\1\{/g, "$1{");
  const { text } = token;
  let result = "";
  let at = 0;
  for (;;) {
    SPECIAL.lastIndex = at;
    const match = SPECIAL.exec(text);
    if (match === null) return result + text.slice(at);
    result += text.slice(at, match.index);
    if (match[0].startsWith("\\")) {
      const decoded = decodeEscape(token, match.index, diagnostics);
      result += decoded.text;
      at = match.index + decoded.length;
    } else {
      result += match[0].slice(1);
      at = match.index + match[0].length;
    }
  }
}

function decodeEscape(
  token: Token,
  at: number,
  diagnostics: Diagnostic[],
): { text: string; length: number } {
  const selector = token.text[at + 1] ?? "";
  const simple = SIMPLE[selector];
  if (simple !== undefined) return { text: simple, length: 2 };
  const fail = (length: number, detail: string) => {
    const start = token.range.start + at;
    const where = range(token.range.source, start, start + length);
    diagnostics.push(errorAt(where, "Invalid escape sequence", detail));
    return { text: token.text.slice(at, at + length), length };
  };
  const digits = DIGITS[selector];
  if (digits !== undefined) {
    const hex = /^[0-9a-fA-F]*/.exec(token.text.slice(at + 2, at + 2 + digits.count))?.[0] ?? "";
    const code = Number.parseInt(hex, 16);
    if (hex.length === digits.count && code <= 0x10ffff) {
      return { text: String.fromCodePoint(code), length: 2 + digits.count };
    }
    return fail(
      2 + hex.length,
      `The \\${selector} escape sequence must be followed by ${digits.name} hexadecimal digits.`,
    );
  }
  const symbol = graphemes(token.text.slice(at + 1))[0] ?? "";
  return fail(1 + symbol.length, `The symbol "${symbol}" is not a valid escape sequence selector.`);
}
