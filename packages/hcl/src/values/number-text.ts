/** Numbers as decimal text: the shortest, or with so many digits. */
import { type BigNumber, bitLength, isZero } from "./number.ts";

/** The shortest decimal text that is read back as the same number, without an exponent. */
export function formatNumber(a: BigNumber): string {
  if (a.infinite) return a.negative ? "-Inf" : "+Inf";
  const sign = a.negative ? "-" : "";
  const isExact = a.exponent >= 0 && bitLength(a.mantissa) + a.exponent <= a.precision;
  if (isExact) return sign + (a.mantissa << BigInt(a.exponent)).toString();
  if (isZero(a)) return `${sign}0`;
  return sign + shortestDecimal(a);
}

/**
 * Walks the exact digits beside those of the two neighbours half a unit away, and stops at the
 * first place where rounding stays between them.
 */
function shortestDecimal(a: BigNumber): string {
  const shift = a.precision + 1 - bitLength(a.mantissa);
  const mantissa = a.mantissa << BigInt(shift);
  const places = Math.max(0, shift - a.exponent);
  const scale = places > 0 ? 5n ** BigInt(places) : 1n << BigInt(a.exponent - shift);
  const exact = (mantissa * scale).toString();
  const width = exact.length + 1;
  const digits = exact.padStart(width, "0");
  const lower = ((mantissa - 1n) * scale).toString().padStart(width, "0");
  const upper = ((mantissa + 1n) * scale).toString().padStart(width, "0");
  const inclusive = (mantissa & 2n) === 0n;
  const lowerEnd = lower.replace(/0+$/, "").length;
  const upperEnd = upper.replace(/0+$/, "").length;
  for (let i = 0; i < width; i += 1) {
    const digit = Number(digits[i]);
    const up = Number(upper[i]);
    const down = lower[i] !== digits[i] || (inclusive && i + 1 === lowerEnd);
    const canRoundUp = digit !== up && (inclusive || digit + 1 < up || i + 1 < upperEnd);
    if (!down && !canRoundUp) continue;
    const roundUp = canRoundUp && (!down || isAboveHalf(digits.slice(i + 1), digit));
    return placeDecimalPoint(digits.slice(0, i + 1), roundUp, places - (width - i - 1));
  }
  return placeDecimalPoint(digits, false, places);
}

function isAboveHalf(tail: string, lastDigit: number): boolean {
  const first = Number(tail[0] ?? "0");
  if (first !== 5) return first > 5;
  return /[1-9]/.test(tail.slice(1)) || lastDigit % 2 === 1;
}

function placeDecimalPoint(kept: string, roundUp: boolean, places: number): string {
  const value = BigInt(kept) + (roundUp ? 1n : 0n);
  if (places <= 0) return (value * 10n ** BigInt(-places)).toString();
  const text = value.toString().padStart(places + 1, "0");
  const whole = text.slice(0, -places);
  const fraction = text.slice(-places).replace(/0+$/, "");
  return fraction === "" ? whole : `${whole}.${fraction}`;
}

/** With a fixed number of digits after the point, rounded half to even. */
export function formatFixed(a: BigNumber, digits: number): string {
  if (a.infinite) return formatNumber(a);
  const scaled = a.mantissa * 10n ** BigInt(digits);
  const rounded =
    a.exponent >= 0
      ? scaled << BigInt(a.exponent)
      : divideHalfEven(scaled, 1n << BigInt(-a.exponent));
  const text = rounded.toString().padStart(digits + 1, "0");
  const whole = digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
  return a.negative ? `-${whole}` : whole;
}

function divideHalfEven(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  const twice = 2n * (dividend % divisor);
  const up = twice > divisor || (twice === divisor && (quotient & 1n) === 1n);
  return up ? quotient + 1n : quotient;
}

/** Digits without the point, and the power of ten that the first one stands for. */
export interface Scientific {
  readonly digits: string;
  readonly exponent: number;
}

/** `count` digits, rounded half to even; null: as many as needed. The sign is left out. */
export function toScientific(a: BigNumber, count: number | null): Scientific {
  if (isZero(a)) return { digits: "0".repeat(count ?? 1), exponent: 0 };
  if (count === null) {
    const [whole = "", fraction = ""] = formatNumber({ ...a, negative: false }).split(".");
    const all = (whole + fraction).replace(/^0+/, "");
    const leading = whole === "0" ? fraction.length - all.length + 1 : 1 - whole.length;
    return { digits: all.replace(/0+$/, "") || "0", exponent: -leading };
  }
  const places = Math.max(0, -a.exponent);
  const exact =
    a.exponent >= 0 ? a.mantissa << BigInt(a.exponent) : a.mantissa * 5n ** BigInt(places);
  const length = exact.toString().length;
  const excess = length - count;
  const rounded =
    excess > 0 ? divideHalfEven(exact, 10n ** BigInt(excess)) : exact * 10n ** BigInt(-excess);
  const digits = rounded.toString();
  const carried = digits.length - count;
  return { digits: digits.slice(0, count), exponent: length - 1 - places + carried };
}
