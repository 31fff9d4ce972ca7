/** The functions that a Go template may call. */
import type { Json } from "@drover/model";
import { isRawNumber, scalarText } from "../exact-json.ts";
import { quote } from "../format/quote.ts";
import { isTrue, showValue } from "./values.ts";

/** A call that cannot be made; the renderer adds where it stands. */
export class CallFailure extends Error {
  override readonly name = "CallFailure";
}

type TemplateFunction = (args: readonly Json[]) => Json;

const FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  and: (args) => firstOrLast(args, (arg) => !isTrue(arg)),
  or: (args) => firstOrLast(args, isTrue),
  not: ([value = null]) => !isTrue(value),
  len: ([value = null]) => lengthOf(value),
  index: ([value = null, ...keys]) => keys.reduce<Json>((inner, key) => member(inner, key), value),
  eq: ([first = null, ...others]) => others.some((other) => same(first, other)),
  ne: ([a = null, b = null]) => !same(a, b),
  lt: ([a = null, b = null]) => compare(a, b) < 0,
  le: ([a = null, b = null]) => compare(a, b) <= 0,
  gt: ([a = null, b = null]) => compare(a, b) > 0,
  ge: ([a = null, b = null]) => compare(a, b) >= 0,
  print: (args) => args.map(showValue).join(""),
  println: (args) => `${args.map(showValue).join(" ")}\n`,
  printf: ([format = "", ...args]) => formatText(String(format), args),
};

export function callFunction(name: string, args: readonly Json[]): Json {
  const call = FUNCTIONS[name];
  if (call === undefined) throw new CallFailure(`function ${quote(name)} not defined`);
  return call(args);
}

function firstOrLast(args: readonly Json[], wanted: (arg: Json) => boolean): Json {
  const at = args.findIndex(wanted);
  return args.at(at) ?? null;
}

function lengthOf(value: Json): number {
  if (typeof value === "string") return new TextEncoder().encode(value).length;
  if (Array.isArray(value)) return value.length;
  if (value === null) return 0;
  if (typeof value === "object" && !isRawNumber(value)) return Object.keys(value).length;
  throw new CallFailure(`error calling len: len of type ${typeof value}`);
}

function member(value: Json, key: Json): Json {
  if (Array.isArray(value)) return value[Number(scalarText(key))] ?? null;
  if (typeof value !== "object" || value === null) return null;
  return value[scalarText(key)] ?? null;
}

function same(a: Json, b: Json): boolean {
  return showValue(a) === showValue(b);
}

function compare(a: Json, b: Json): number {
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : Number(a > b);
  return Number(scalarText(a)) - Number(scalarText(b));
}

/** `%s %v %d %q %t %x` with a width; anything else prints the value. */
function formatText(format: string, args: readonly Json[]): string {
  let next = 0;
  return format.replace(/%([-0]?)(\d*)(?:\.\d+)?([a-zA-Z%])/g, (_, flag, width, verb) => {
    if (verb === "%") return "%";
    const value = args[next++] ?? null;
    const text = verb === "q" ? quote(showValue(value)) : showValue(value);
    if (flag === "-") return text.padEnd(Number(width));
    return text.padStart(Number(width), flag === "0" ? "0" : " ");
  });
}
