/** `format` and `formatlist`: verbs such as `%5.2f`. */
import { FunctionError } from "../eval/scope.ts";
import { graphemes } from "../source.ts";
import { convert } from "../values/convert.ts";
import { type BigNumber, isInteger, truncate } from "../values/number.ts";
import { formatFixed, formatNumber, toScientific } from "../values/number-text.ts";
import { BOOL, NUMBER, STRING, type Type } from "../values/type.ts";
import {
  elementsOf,
  isNull,
  list,
  numberOf,
  string,
  stringOf,
  type Value,
} from "../values/value.ts";
import { anyOrNull, defineVariadic, type Entry, fail, isSequence, text } from "./define.ts";
import { encodeJson, quoteJson } from "./json-text.ts";

export function formatFunctions(): Entry[] {
  const parameters = [text("format")];
  return [
    defineVariadic("format", parameters, anyOrNull("args"), format),
    defineVariadic("formatlist", parameters, anyOrNull("args"), formatList),
  ];
}

interface Verb {
  readonly raw: string;
  readonly offset: number;
  readonly flags: string;
  readonly width: number | null;
  readonly precision: number | null;
  readonly letter: string;
}

const VERB_START = /%([0+ #-]*)(\d+)?(?:\.(\d*))?(?:\[([1-9]\d*)\])?/y;

/** The text, and how many of the values were used. */
function formatValues(pattern: string, values: readonly Value[]): { text: string; used: number } {
  let text = "";
  let at = 0;
  let place = 0;
  let used = 0;
  for (;;) {
    const offset = pattern.indexOf("%", at);
    if (offset === -1) return { text: text + pattern.slice(at), used };
    text += pattern.slice(at, offset);
    const { verb, index, end } = readVerb(pattern, offset);
    at = end;
    if (verb.letter === "%") {
      text += "%";
      continue;
    }
    place = index ?? place + 1;
    used = Math.max(used, place);
    const value = values[place - 1];
    if (value === undefined) {
      fail(
        `not enough arguments for "${verb.raw}" at ${offset}: need index ${place} but have ${values.length} total`,
      );
    }
    text += formatVerb(verb, value);
  }
}

function readVerb(
  pattern: string,
  offset: number,
): { verb: Verb; index: number | null; end: number } {
  VERB_START.lastIndex = offset;
  const [start = "", flags = "", width, precision, index] = VERB_START.exec(pattern) ?? [];
  let end = offset + start.length;
  let letter = pattern[end];
  if (letter === "[") {
    end += 1;
    letter = pattern[end];
  }
  if (letter === undefined) fail(`invalid format string starting at offset ${pattern.length}`);
  if (!/[A-Za-z%]/.test(letter)) {
    fail(`unrecognized format character '${letter}' at offset ${end}`);
  }
  const verb = {
    raw: pattern.slice(offset, end + 1),
    offset,
    flags,
    width: width === undefined ? null : Number(width),
    precision: precision === undefined ? null : Number(precision || "0"),
    letter,
  };
  return { verb, index: index === undefined ? null : Number(index), end: end + 1 };
}

function tooMany(used: number): string {
  return used === 0
    ? "too many arguments; no verbs in format string"
    : `too many arguments; only ${used} used by format string`;
}

function formatVerb(verb: Verb, value: Value): string {
  const { letter } = verb;
  if (letter !== "v" && isNull(value)) {
    fail(`unsupported value for "${verb.raw}" at ${verb.offset}: null value cannot be formatted`);
  }
  if (letter === "v") return pad(verb, formatAny(verb, value));
  if (letter === "t") return String(as(verb, value, BOOL).data);
  if (letter === "s" || letter === "q") {
    const parts = graphemes(stringOf(as(verb, value, STRING)));
    const cut = (verb.precision === null ? parts : parts.slice(0, verb.precision)).join("");
    return pad(verb, letter === "q" ? quoteJson(cut) : cut);
  }
  if ("bdoxX".includes(letter)) return formatInteger(verb, as(verb, value, NUMBER));
  if ("eEfgG".includes(letter)) return formatFloat(verb, as(verb, value, NUMBER));
  return fail(`unsupported format verb '${letter}' in "${verb.raw}" at offset ${verb.offset}`);
}

function as(verb: Verb, value: Value, type: Type): Value {
  const converted = convert(value, type);
  if (converted.ok) return converted.value;
  return fail(`unsupported value for "${verb.raw}" at ${verb.offset}: ${converted.message}`);
}

function formatAny(verb: Verb, value: Value): string {
  if (!verb.flags.includes("#") && !isNull(value)) {
    if (value.type.kind === "string") return stringOf(value);
    if (value.type.kind === "number") {
      const given = numberOf(value);
      return (given.negative ? "-" : "") + general({ ...given, negative: false }, null);
    }
  }
  return encodeJson(value);
}

/** Plain digits, or an exponent when the number is very small or very large. */
function general(magnitude: BigNumber, precision: number | null): string {
  if (magnitude.infinite) return formatNumber(magnitude);
  const { digits, exponent } = toScientific(magnitude, precision === 0 ? 1 : precision);
  const kept = digits.replace(/0+$/, "") || "0";
  const limit = precision === null ? 6 : Math.max(1, precision);
  const usesExponent = exponent < -4 || exponent >= Math.max(limit, precision === null ? 0 : 1);
  if (usesExponent) return scientific(kept, exponent);
  if (exponent < 0) return `0.${"0".repeat(-exponent - 1)}${kept}`;
  const padded = kept.padEnd(exponent + 1, "0");
  const fraction = padded.slice(exponent + 1);
  return padded.slice(0, exponent + 1) + (fraction === "" ? "" : `.${fraction}`);
}

/** At least two digits of exponent. */
function scientific(digits: string, exponent: number): string {
  const fraction = digits.slice(1);
  const sign = exponent < 0 ? "-" : "+";
  const power = String(Math.abs(exponent)).padStart(2, "0");
  return `${digits[0] ?? "0"}${fraction === "" ? "" : `.${fraction}`}e${sign}${power}`;
}

const RADIX: Readonly<Record<string, { base: number; prefix: string }>> = {
  b: { base: 2, prefix: "0b" },
  o: { base: 8, prefix: "0" },
  x: { base: 16, prefix: "0x" },
  X: { base: 16, prefix: "0X" },
};

function formatInteger(verb: Verb, value: Value): string {
  const given = numberOf(value);
  if (!isInteger(given)) {
    fail(`unsupported value for "${verb.raw}" at ${verb.offset}: an integer is required`);
  }
  const whole = truncate(given);
  const { base, prefix } = RADIX[verb.letter] ?? { base: 10, prefix: "" };
  let digits = (whole < 0n ? -whole : whole).toString(base);
  if (verb.letter === "X") digits = digits.toUpperCase();
  return padNumber(verb, whole < 0n, (verb.flags.includes("#") ? prefix : "") + digits);
}

function formatFloat(verb: Verb, value: Value): string {
  const given = numberOf(value);
  const magnitude = { ...given, negative: false };
  const lower = verb.letter.toLowerCase();
  let digits: string;
  if (lower === "f") digits = formatFixed(magnitude, verb.precision ?? 6);
  else if (lower === "e") {
    const rounded = toScientific(magnitude, (verb.precision ?? 6) + 1);
    digits = scientific(rounded.digits, rounded.exponent);
  } else digits = general(magnitude, verb.precision);
  if (verb.letter !== lower) digits = digits.toUpperCase();
  return padNumber(verb, given.negative, digits);
}

function padNumber(verb: Verb, negative: boolean, digits: string): string {
  const plus = verb.flags.includes("+") ? "+" : verb.flags.includes(" ") ? " " : "";
  const sign = negative ? "-" : plus;
  if (verb.flags.includes("0") && !verb.flags.includes("-") && verb.width !== null) {
    return sign + digits.padStart(verb.width - sign.length, "0");
  }
  return pad(verb, sign + digits);
}

function pad(verb: Verb, given: string): string {
  const missing = (verb.width ?? 0) - graphemes(given).length;
  if (missing <= 0) return given;
  if (verb.flags.includes("-")) return given + " ".repeat(missing);
  return (verb.flags.includes("0") ? "0" : " ").repeat(missing) + given;
}

function format(args: readonly Value[]): Value {
  const [pattern, ...values] = args;
  if (pattern === undefined) return string("");
  const { text, used } = formatValues(stringOf(pattern), values);
  if (used < values.length) fail(tooMany(used), used + 1);
  return string(text);
}

function isList(value: Value): boolean {
  return !isNull(value) && isSequence(value);
}

/** As `format`, once for each element of the lists among the arguments. */
function formatList(args: readonly Value[]): Value {
  const [pattern, ...values] = args;
  if (pattern === undefined) return list(STRING, []);
  let rounds: number | null = null;
  let first = 0;
  for (const [i, each] of values.entries()) {
    if (!isList(each)) continue;
    const { length } = elementsOf(each);
    if (rounds === null) first = i;
    else if (rounds !== length) {
      const others = `argument ${first + 1} of length ${rounds}`;
      const problem = `argument ${i + 1} has length ${length}, which is inconsistent with ${others}`;
      fail(problem, i + 1);
    }
    rounds ??= length;
  }
  const results = Array.from({ length: rounds ?? 1 }, (_, round) => {
    const row = values.map((each) => (isList(each) ? (elementsOf(each)[round] ?? each) : each));
    return formatRound(stringOf(pattern), row, round);
  });
  return list(STRING, results);
}

function formatRound(pattern: string, row: readonly Value[], round: number): Value {
  try {
    const { text, used } = formatValues(pattern, row);
    if (used < row.length) fail(tooMany(used));
    return string(text);
  } catch (error) {
    if (!(error instanceof FunctionError)) throw error;
    return fail(`error on format iteration ${round}: ${error.message}`);
  }
}
