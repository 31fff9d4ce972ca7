/**
 * Flags as users of the field write them: one dash or two, `-x value` or `-x=value`, all before the
 * first argument (spec chapter 7 §7.3).
 */
import { parseDuration } from "@drover/base";
import type { FlagSpec, Flags } from "./command.ts";
import { quote } from "./format/quote.ts";

export type ParsedFlags =
  | { readonly ok: true; readonly flags: Flags; readonly args: readonly string[] }
  | { readonly ok: false; readonly message: string; readonly help: boolean };

const TRUE = new Set(["1", "t", "T", "true", "TRUE", "True"]);
const FALSE = new Set(["0", "f", "F", "false", "FALSE", "False"]);

export function parseFlags(argv: readonly string[], specs: readonly FlagSpec[]): ParsedFlags {
  const byName = new Map(specs.map((spec) => [spec.name, spec]));
  const values = new Map<string, string[]>();
  let at = 0;
  for (; at < argv.length; at++) {
    const word = argv[at] as string;
    if (word === "--") {
      at++;
      break;
    }
    if (!word.startsWith("-") || word === "-") break;
    const body = word.replace(/^--?/, "");
    const equals = body.indexOf("=");
    const name = equals < 0 ? body : body.slice(0, equals);
    if (name === "h" || name === "help") return { ok: false, message: "", help: true };
    const spec = byName.get(name);
    if (!spec) return broken(`flag provided but not defined: -${name}`);
    let value = equals < 0 ? null : body.slice(equals + 1);
    if (spec.kind === "bool") value ??= "true";
    else if (value === null) {
      if (at + 1 >= argv.length) return broken(`flag needs an argument: -${name}`);
      value = argv[++at] as string;
    }
    const reason = unreadable(spec.kind, value);
    if (reason !== null) {
      const what = spec.kind === "bool" ? "invalid boolean value" : "invalid value";
      const where = spec.kind === "bool" ? `-${name}` : `flag -${name}`;
      return broken(`${what} ${quote(value)} for ${where}: ${reason}`);
    }
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  return { ok: true, flags: flagsOf(byName, values), args: argv.slice(at) };
}

/** Why a value is none of its flag's kind. */
function unreadable(kind: FlagSpec["kind"], value: string): string | null {
  switch (kind) {
    case "bool":
      return TRUE.has(value) || FALSE.has(value) ? null : "parse error";
    case "int":
      if (!/^[-+]?\d+$/.test(value)) return "parse error";
      return Number.isSafeInteger(Number(value)) ? null : "value out of range";
    case "duration":
      return parseDuration(value).ok ? null : "parse error";
    case "setting":
      if (TRUE.has(value) || FALSE.has(value)) return null;
      return `strconv.ParseBool: parsing ${quote(value)}: invalid syntax`;
    case "string":
    case "list":
      return null;
  }
}

function broken(message: string): ParsedFlags {
  return { ok: false, message, help: false };
}

function flagsOf(
  specs: ReadonlyMap<string, FlagSpec>,
  values: ReadonlyMap<string, readonly string[]>,
): Flags {
  const last = (name: string) => values.get(name)?.at(-1) ?? specs.get(name)?.default ?? "";
  return {
    bool: (name) => TRUE.has(last(name)),
    string: last,
    int: (name) => Number(last(name)),
    list: (name) => values.get(name) ?? [],
    has: (name) => values.has(name),
  };
}
