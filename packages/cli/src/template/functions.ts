/** The functions that a Go template may call. */
import type { Json } from "@drover/model";
import { scalarText } from "../exact-json.ts";
import { formatText } from "./printf.ts";
import { isTrue, kindOf, showValue, typeOf } from "./values.ts";

/** A call that cannot be made; the renderer adds where it stands. */
export class CallFailure extends Error {
  override readonly name = "CallFailure";
}

interface TemplateFunction {
  readonly min: number;
  readonly max: number;
  call(args: readonly Json[]): Json;
}

const ANY = Number.POSITIVE_INFINITY;

const exactly = (count: number, call: (...args: Json[]) => Json): TemplateFunction => ({
  min: count,
  max: count,
  call: (args) => call(...args),
});
const atLeast = (min: number, call: (args: readonly Json[]) => Json): TemplateFunction => ({
  min,
  max: ANY,
  call,
});

const FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  and: atLeast(1, (args) => args.at(-1) ?? null),
  or: atLeast(1, (args) => args.at(-1) ?? null),
  not: exactly(1, (value) => !isTrue(value ?? null)),
  len: exactly(1, (value) => lengthOf(value ?? null)),
  index: atLeast(1, ([value = null, ...keys]) => keys.reduce<Json>(member, value)),
  slice: atLeast(1, ([value = null, ...bounds]) => slice(value, bounds)),
  eq: atLeast(1, ([first = null, ...others]) => equalsAny(first, others)),
  ne: exactly(2, (a = null, b = null) => !equals("ne", a, b)),
  lt: exactly(2, (a = null, b = null) => compare("lt", a, b) < 0),
  le: exactly(2, (a = null, b = null) => compare("le", a, b) <= 0),
  gt: exactly(2, (a = null, b = null) => compare("gt", a, b) > 0),
  ge: exactly(2, (a = null, b = null) => compare("ge", a, b) >= 0),
  print: atLeast(0, (args) => printed(args)),
  println: atLeast(0, (args) => `${args.map(showValue).join(" ")}\n`),
  printf: atLeast(1, ([format = "", ...args]) => formatText(String(format), args)),
  html: atLeast(0, (args) => replaced(args, HTML)),
  js: atLeast(0, (args) => replaced(args, SCRIPT)),
  urlquery: atLeast(0, (args) => encodeURIComponent(printed(args)).replaceAll("%20", "+")),
};

const HTML: Readonly<Record<string, string>> = {
  "<": "&lt;",
  ">": "&gt;",
  "&": "&amp;",
  '"': "&#34;",
  "'": "&#39;",
};
const SCRIPT: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "'": "\\'",
  '"': '\\"',
  "<": "\\u003C",
  ">": "\\u003E",
  "&": "\\u0026",
  "=": "\\u003D",
};

export function isFunction(name: string): boolean {
  return Object.hasOwn(FUNCTIONS, name);
}

export function callFunction(name: string, args: readonly Json[]): Json {
  const wanted = FUNCTIONS[name] as TemplateFunction;
  if (args.length < wanted.min || args.length > wanted.max) {
    const least = wanted.max === ANY ? "at least " : "";
    const counts = `want ${least}${wanted.min} got ${args.length}`;
    throw new CallFailure(`wrong number of args for ${name}: ${counts}`);
  }
  return wanted.call(args);
}

function failed(name: string, reason: string): CallFailure {
  return new CallFailure(`error calling ${name}: ${reason}`);
}

function lengthOf(value: Json): number {
  if (typeof value === "string") return new TextEncoder().encode(value).length;
  if (Array.isArray(value)) return value.length;
  if (value === null) throw failed("len", "len of nil pointer");
  if (kindOf(value) === "map") return Object.keys(value).length;
  throw failed("len", `len of type ${typeOf(value)}`);
}

function member(value: Json, key: Json): Json {
  if (value === null) throw failed("index", "index of untyped nil");
  if (typeof value === "string") {
    const bytes = new TextEncoder().encode(value);
    return bytes[indexOf(key, bytes.length)] as number;
  }
  if (Array.isArray(value)) return value[indexOf(key, value.length)] ?? null;
  if (kindOf(value) !== "map") {
    throw failed("index", `can't index item of type ${typeOf(value)}`);
  }
  if (typeof key === "string") return (value as { readonly [name: string]: Json })[key] ?? "";
  throw failed("index", `value has type ${typeOf(key)}; should be string`);
}

function indexOf(key: Json, length: number): number {
  if (kindOf(key) !== "int") {
    throw failed("index", `cannot index slice/array with type ${typeOf(key)}`);
  }
  const at = Number(scalarText(key));
  if (at >= 0 && at < length) return at;
  throw failed("index", `index out of range: ${at}`);
}

function slice(value: Json, bounds: readonly Json[]): Json {
  const list = typeof value === "string" ? new TextEncoder().encode(value) : value;
  if (!(list instanceof Uint8Array) && !Array.isArray(list)) {
    throw failed("slice", `can't slice item of type ${typeOf(value)}`);
  }
  const [from = 0, to = list.length] = bounds.map((bound) => Number(scalarText(bound)));
  for (const bound of [from, to]) {
    if (!(bound >= 0 && bound <= list.length)) {
      throw failed("slice", `index out of range: ${bound}`);
    }
  }
  if (from > to) throw failed("slice", `invalid slice index: ${from} > ${to}`);
  if (Array.isArray(list)) return list.slice(from, to);
  return new TextDecoder().decode(list.slice(from, to));
}

function equalsAny(first: Json, others: readonly Json[]): boolean {
  if (others.length === 0) throw failed("eq", "missing argument for comparison");
  return others.some((other) => equals("eq", first, other));
}

function equals(name: string, a: Json, b: Json): boolean {
  if (a !== null && b !== null) checkKinds(name, a, b);
  return showValue(a) === showValue(b);
}

function compare(name: string, a: Json, b: Json): number {
  checkKinds(name, a, b);
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : Number(a > b);
  if (kindOf(a) !== "int" && kindOf(a) !== "float64") {
    throw failed(name, "invalid type for comparison");
  }
  return Number(scalarText(a)) - Number(scalarText(b));
}

/** Whether a number was whole in Go cannot be seen here: numbers are compared with numbers. */
function checkKinds(name: string, a: Json, b: Json): void {
  const broad = (value: Json) => (kindOf(value) === "float64" ? "int" : kindOf(value));
  if (broad(a) === broad(b)) return;
  const types = `${typeOf(a)} and ${typeOf(b)}`;
  throw failed(name, `incompatible types for comparison: ${types}`);
}

/** A blank stands between two values of which neither is a text. */
function printed(args: readonly Json[]): string {
  return args.reduce<string>((text, arg, i) => {
    const isApart = i > 0 && typeof arg !== "string" && typeof args[i - 1] !== "string";
    return `${text}${isApart ? " " : ""}${showValue(arg)}`;
  }, "");
}

function replaced(args: readonly Json[], by: Readonly<Record<string, string>>): string {
  return [...printed(args)].map((letter) => by[letter] ?? letter).join("");
}
