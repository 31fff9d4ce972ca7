/** Constants of a Go template. */
import type { Json } from "@drover/model";
import { parseFailure, type Token } from "./lex.ts";

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ a: "\u0007", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" },
};

/** Of a string in double quotes or backquotes. */
export function stringOf(text: string): string {
  return text.startsWith("`") ? text.slice(1, -1) : unescaped(text.slice(1, -1));
}

export function literalOf(token: Token): Json {
  const { kind, text } = token;
  if (kind === "string") return stringOf(text);
  if (kind === "char") return unescaped(text.slice(1, -1)).codePointAt(0) ?? 0;
  const value = Number(text.replaceAll("_", ""));
  if (Number.isNaN(value)) throw parseFailure(token, `bad number syntax: ${JSON.stringify(text)}`);
  return value;
}

function unescaped(text: string): string {
  return text.replace(
    /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3})|(.))/gs,
    (_, hex, short, long, octal, letter) => {
      const code = hex ?? short ?? long;
      if (code !== undefined) return String.fromCodePoint(Number.parseInt(code, 16));
      if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
      return ESCAPES[letter as string] ?? (letter as string);
    },
  );
}
