/**
 * Numbers of the language: binary floating point with 512 bits, as job files mean them (spec
 * chapter 1 §1.16), so that 1/3 has 155 digits and integers beyond 2^53 stay exact.
 * A finite number is `sign × mantissa × 2^exponent`, the mantissa odd or zero.
 */
import { assert } from "@drover/base";

export const PRECISION = 512;
const FLOAT64_PRECISION = 53;

export interface BigNumber {
  readonly negative: boolean;
  readonly mantissa: bigint;
  readonly exponent: number;
  readonly infinite: boolean;
  /** Bits that results computed from it are rounded to. */
  readonly precision: number;
}

export function bitLength(value: bigint): number {
  if (value === 0n) return 0;
  const hex = value.toString(16);
  return hex.length * 4 - Math.clz32(Number.parseInt(hex[0] ?? "0", 16)) + 28;
}

function trailingZeroBits(value: bigint): number {
  let zeros = 0;
  let chunk = 64n;
  let rest = value;
  while ((rest & ((1n << chunk) - 1n)) === 0n) {
    rest >>= chunk;
    zeros += Number(chunk);
    if (zeros > 1024) chunk = BigInt(zeros);
  }
  while ((rest & 1n) === 0n) {
    rest >>= 1n;
    zeros += 1;
  }
  return zeros;
}

/** Rounds to `precision` bits, half to even; `inexact` says that digits below were dropped. */
function round(
  negative: boolean,
  mantissa: bigint,
  exponent: number,
  precision: number,
  inexact = false,
): BigNumber {
  let bits = mantissa;
  let scale = exponent;
  const excess = bitLength(bits) - precision;
  if (excess > 0) {
    const dropped = BigInt(excess);
    const half = 1n << (dropped - 1n);
    const tail = bits & ((1n << dropped) - 1n);
    bits >>= dropped;
    scale += excess;
    if (tail > half || (tail === half && (inexact || (bits & 1n) === 1n))) bits += 1n;
  }
  if (bits === 0n) return { negative, mantissa: 0n, exponent: 0, infinite: false, precision };
  const zeros = trailingZeroBits(bits);
  return {
    negative,
    mantissa: bits >> BigInt(zeros),
    exponent: scale + zeros,
    infinite: false,
    precision,
  };
}

function infinity(negative: boolean): BigNumber {
  return { negative, mantissa: 0n, exponent: 0, infinite: true, precision: PRECISION };
}

export function fromBigInt(value: bigint): BigNumber {
  const negative = value < 0n;
  return round(negative, negative ? -value : value, 0, PRECISION);
}

/** An integer that was counted, such as a length. */
export function fromInteger(value: number): BigNumber {
  return fromBigInt(BigInt(value));
}

/** A double: results computed from it keep its 53 bits. */
export function fromDouble(value: number): BigNumber {
  assert(!Number.isNaN(value), "a number of the language is never NaN");
  if (!Number.isFinite(value)) return infinity(value < 0);
  let scaled = Math.abs(value);
  let exponent = 0;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    exponent -= 1;
  }
  const negative = value < 0 || Object.is(value, -0);
  return round(negative, BigInt(scaled), exponent, FLOAT64_PRECISION);
}

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;
const EXPONENT_MAX = 100_000;

/** Reads decimal text; null when it is none. */
export function parseNumber(text: string): BigNumber | null {
  const match = DECIMAL.exec(text);
  if (match === null) return null;
  const [, sign = "", whole = "", fraction = "", power = "0"] = match;
  if (whole === "" && fraction === "") return null;
  const exponent10 = Number(power) - fraction.length;
  if (Math.abs(exponent10) > EXPONENT_MAX) return null;
  const digits = BigInt(whole + fraction);
  const negative = sign === "-";
  if (exponent10 >= 0) return round(negative, digits * 10n ** BigInt(exponent10), 0, PRECISION);
  return quotient(negative, digits, 10n ** BigInt(-exponent10), 0, PRECISION);
}

function quotient(
  negative: boolean,
  dividend: bigint,
  divisor: bigint,
  exponent: number,
  precision: number,
): BigNumber {
  const shift = Math.max(0, precision + 2 + bitLength(divisor) - bitLength(dividend));
  const scaled = dividend << BigInt(shift);
  const result = scaled / divisor;
  return round(negative, result, exponent - shift, precision, scaled % divisor !== 0n);
}

function signed(value: BigNumber): bigint {
  return value.negative ? -value.mantissa : value.mantissa;
}

export function add(a: BigNumber, b: BigNumber): BigNumber {
  if (a.infinite) return a;
  if (b.infinite) return b;
  const exponent = Math.min(a.exponent, b.exponent);
  const sum =
    (signed(a) << BigInt(a.exponent - exponent)) + (signed(b) << BigInt(b.exponent - exponent));
  const negative = sum < 0n || (sum === 0n && a.negative && b.negative);
  return round(negative, sum < 0n ? -sum : sum, exponent, Math.max(a.precision, b.precision));
}

export function negate(a: BigNumber): BigNumber {
  return { ...a, negative: !a.negative };
}

export function subtract(a: BigNumber, b: BigNumber): BigNumber {
  return add(a, negate(b));
}

export function multiply(a: BigNumber, b: BigNumber): BigNumber {
  const negative = a.negative !== b.negative;
  if (a.infinite || b.infinite) return infinity(negative);
  return round(negative, a.mantissa * b.mantissa, a.exponent + b.exponent, PRECISION);
}

/** Null when the quotient means nothing (0/0, ∞/∞); x/0 is infinite. */
export function divide(a: BigNumber, b: BigNumber): BigNumber | null {
  const negative = a.negative !== b.negative;
  if (isZero(b)) return isZero(a) ? null : infinity(negative);
  if (a.infinite) return b.infinite ? null : infinity(negative);
  if (b.infinite) return round(negative, 0n, 0, PRECISION);
  const precision = Math.max(a.precision, b.precision);
  return quotient(negative, a.mantissa, b.mantissa, a.exponent - b.exponent, precision);
}

/** The remainder of truncated division; it has the sign of `a`. */
export function modulo(a: BigNumber, b: BigNumber): BigNumber {
  if (a.infinite || b.infinite) return multiply(a, b);
  if (isZero(b)) return a;
  const ratio = divide(a, b);
  assert(ratio !== null, "the divisor is neither zero nor infinite");
  return subtract(a, multiply(fromBigInt(truncate(ratio)), b));
}

export function compare(a: BigNumber, b: BigNumber): number {
  const left = signOf(a);
  const right = signOf(b);
  if (left !== right || left === 0) return left - right;
  if (a.infinite || b.infinite) return a.infinite === b.infinite ? 0 : a.infinite ? left : -left;
  const difference = subtract(a, b);
  return signOf(difference);
}

function signOf(a: BigNumber): number {
  if (isZero(a)) return 0;
  return a.negative ? -1 : 1;
}

export function isZero(a: BigNumber): boolean {
  return !a.infinite && a.mantissa === 0n;
}

export function isInteger(a: BigNumber): boolean {
  return !a.infinite && a.exponent >= 0;
}

/** Towards zero. */
export function truncate(a: BigNumber): bigint {
  const magnitude =
    a.exponent >= 0 ? a.mantissa << BigInt(a.exponent) : a.mantissa >> BigInt(-a.exponent);
  return a.negative ? -magnitude : magnitude;
}

/** The nearest double. */
export function toDouble(a: BigNumber): number {
  if (a.infinite) return a.negative ? -Infinity : Infinity;
  const rounded = round(a.negative, a.mantissa, a.exponent, FLOAT64_PRECISION);
  const half = Math.trunc(rounded.exponent / 2);
  const magnitude = Number(rounded.mantissa) * 2 ** half * 2 ** (rounded.exponent - half);
  return a.negative ? -magnitude : magnitude;
}
