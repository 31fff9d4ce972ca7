/** `format` and `formatlist`: verbs such as `%5.2f`. */
import { graphemes } from "../source.ts";
import { convert } from "../values/convert.ts";
import { formatNumber, isInteger, toDouble, truncate } from "../values/number.ts";
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
  const [format, args] = [text("format"), anyOrNull("args")];
  return [
    defineVariadic("format", [format], args, ([pattern, ...values]) => {
      return string(pattern === undefined ? "" : formatText(stringOf(pattern), values));
    }),
    defineVariadic("formatlist", [format], args, formatList),
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

const VERB = /%([0+ #-]*)(\d+)?(?:\.(\d*))?(?:\[(\d+)\])?(.)?/gsu;

function formatText(pattern: string, values: readonly Value[]): string {
  let next = 0;
  let highest = 0;
  const result = pattern.replace(
    VERB,
    (raw: string, flags: string, width?: string, precision?: string, index?: string, ...rest) => {
      const letter: string | undefined = rest[0];
      const offset: number = rest[1];
      if (letter === "%") return "%";
      if (letter === undefined) {
        fail(`unterminated format verb "${raw}" at offset ${offset}`);
      }
      const place = index === undefined ? next + 1 : Number(index);
      next = place;
      highest = Math.max(highest, place);
      const value = values[place - 1];
      const at = `"${raw}" at ${offset}`;
      if (value === undefined) {
        fail(`not enough arguments for ${at}: need index ${place} but have ${values.length} total`);
      }
      return formatVerb(
        {
          raw,
          offset,
          flags,
          width: width === undefined ? null : Number(width),
          precision: precision === undefined ? null : Number(precision || "0"),
          letter,
        },
        value,
      );
    },
  );
  if (highest < values.length) {
    fail(
      highest === 0
        ? "too many arguments; no verbs in format string"
        : `too many arguments; only ${highest} used by format string`,
    );
  }
  return result;
}

function formatVerb(verb: Verb, value: Value): string {
  const { letter } = verb;
  if (letter !== "v" && isNull(value)) {
    fail(`unsupported value for "${verb.raw}" at ${verb.offset}: null value cannot be formatted`);
  }
  if (letter === "v") return pad(verb, formatAny(verb, value));
  if (letter === "t") return pad(verb, String(as(verb, value, BOOL).data));
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
    if (value.type.kind === "number") return shortest(value);
  }
  return encodeJson(value);
}

/** Plain digits, or an exponent when the number is very small or very large. */
function shortest(value: Value): string {
  const plain = formatNumber(numberOf(value));
  const exponent = Number(toDouble(numberOf(value)).toExponential().split("e")[1] ?? "0");
  const digits = plain.replace(/[-.]/g, "").replace(/^0+|0+$/g, "").length;
  if (exponent >= -4 && exponent < Math.max(21, digits)) return plain;
  return exponentForm(toDouble(numberOf(value)).toExponential());
}

/** At least two digits of exponent. */
function exponentForm(given: string): string {
  return given.replace(/e([+-])(\d)$/, "e$10$2");
}

function formatInteger(verb: Verb, value: Value): string {
  const given = numberOf(value);
  if (!isInteger(given)) {
    fail(`unsupported value for "${verb.raw}" at ${verb.offset}: an integer is required`);
  }
  const whole = truncate(given);
  const radix = { b: 2, o: 8, x: 16, X: 16 }[verb.letter] ?? 10;
  let digits = (whole < 0n ? -whole : whole).toString(radix);
  if (verb.letter === "X") digits = digits.toUpperCase();
  return padNumber(verb, whole < 0n, digits);
}

function formatFloat(verb: Verb, value: Value): string {
  const given = toDouble(numberOf(value));
  const magnitude = Math.abs(given);
  const lower = verb.letter.toLowerCase();
  let digits: string;
  if (lower === "f") digits = magnitude.toFixed(verb.precision ?? 6);
  else if (lower === "e") digits = exponentForm(magnitude.toExponential(verb.precision ?? 6));
  else if (verb.precision === null)
    digits = shortest({ ...value, data: { ...numberOf(value), negative: false } });
  else digits = exponentForm(String(Number(magnitude.toPrecision(verb.precision || 1))));
  if (verb.letter !== lower) digits = digits.toUpperCase();
  return padNumber(verb, given < 0, digits);
}

function padNumber(verb: Verb, negative: boolean, digits: string): string {
  const sign = negative
    ? "-"
    : verb.flags.includes("+")
      ? "+"
      : verb.flags.includes(" ")
        ? " "
        : "";
  if (verb.flags.includes("0") && !verb.flags.includes("-") && verb.width !== null) {
    return sign + digits.padStart(verb.width - sign.length, "0");
  }
  return pad(verb, sign + digits);
}

function pad(verb: Verb, given: string): string {
  const missing = (verb.width ?? 0) - graphemes(given).length;
  if (missing <= 0) return given;
  return verb.flags.includes("-") ? given + " ".repeat(missing) : " ".repeat(missing) + given;
}

function formatList(args: readonly Value[]): Value {
  const [pattern, ...values] = args;
  if (pattern === undefined) return list(STRING, []);
  const lists = values.filter((each) => !isNull(each) && isSequence(each));
  const lengths = new Set(lists.map((each) => elementsOf(each).length));
  if (lengths.size > 1) {
    fail("inconsistent list lengths: all list arguments must have the same length");
  }
  const rounds = lists.length === 0 ? 1 : ([...lengths][0] ?? 0);
  const results = Array.from({ length: rounds }, (_, round) => {
    const row = values.map((each) => {
      return !isNull(each) && isSequence(each) ? (elementsOf(each)[round] ?? each) : each;
    });
    return string(formatText(stringOf(pattern), row));
  });
  return list(STRING, results);
}
