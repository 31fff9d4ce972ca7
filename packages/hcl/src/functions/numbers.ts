/** Functions on numbers. */
import {
  compare,
  fromBigInt,
  fromDouble,
  isInteger,
  isZero,
  negate,
  toDouble,
  truncate,
} from "../values/number.ts";
import { number, numberOf, stringOf, type Value } from "../values/value.ts";
import { any, define, defineVariadic, type Entry, fail, num, wholeOf } from "./define.ts";

const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

export function numberFunctions(): Entry[] {
  return [
    define("abs", [num("num")], (value) => number({ ...numberOf(value), negative: false })),
    define("ceil", [num("num")], (value) => towards(value, 1n)),
    define("floor", [num("num")], (value) => towards(value, -1n)),
    define("log", [num("num"), num("base")], (value, base) => {
      const result = Math.log(toDouble(numberOf(value))) / Math.log(toDouble(numberOf(base)));
      return fromResult(result);
    }),
    define("pow", [num("num"), num("power")], (value, power) => {
      return fromResult(toDouble(numberOf(value)) ** toDouble(numberOf(power)));
    }),
    define("signum", [num("num")], (value) => {
      const given = numberOf(value);
      return number(fromBigInt(isZero(given) ? 0n : given.negative ? -1n : 1n));
    }),
    define("parseint", [any("number"), num("base")], parseInteger),
    defineVariadic("max", [], num("numbers"), (args) => extreme(args, 1)),
    defineVariadic("min", [], num("numbers"), (args) => extreme(args, -1)),
  ];
}

function fromResult(result: number): Value {
  return Number.isNaN(result) ? fail("the result is not a number") : number(fromDouble(result));
}

/** The next whole number in one direction. */
function towards(value: Value, direction: 1n | -1n): Value {
  const given = numberOf(value);
  if (given.infinite || isInteger(given)) return value;
  const whole = truncate(given);
  const alreadyThere = given.negative === (direction === 1n);
  return number(fromBigInt(alreadyThere ? whole : whole + direction));
}

function extreme(args: readonly Value[], sign: 1 | -1): Value {
  const [first, ...rest] = args;
  if (first === undefined) fail("must pass at least one number");
  return rest.reduce((best, candidate) => {
    return compare(numberOf(candidate), numberOf(best)) * sign > 0 ? candidate : best;
  }, first);
}

function parseInteger(value: Value, baseValue: Value): Value {
  const { kind } = value.type;
  if (kind !== "string") {
    fail(`first argument must be a string, not ${kind}`, 0);
  }
  const base = wholeOf(baseValue, 1);
  if (base < 2 || base > 62) fail("base must be a whole number between 2 and 62 inclusive", 1);
  const given = stringOf(value);
  const match = /^([+-]?)([0-9a-zA-Z]+)$/.exec(given);
  const problem = `cannot parse "${given}" as a base ${base} integer`;
  if (match === null) fail(problem, 0);
  let result = 0n;
  for (const symbol of match[2] ?? "") {
    const digit = DIGITS.indexOf(base <= 36 ? symbol.toLowerCase() : symbol);
    if (digit < 0 || digit >= base) fail(problem, 0);
    result = result * BigInt(base) + BigInt(digit);
  }
  const parsed = fromBigInt(result);
  return number(match[1] === "-" ? negate(parsed) : parsed);
}
