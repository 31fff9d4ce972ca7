import assert from "node:assert/strict";
import test from "node:test";
import {
  add,
  type BigNumber,
  compare,
  divide,
  fromDouble,
  fromInteger,
  modulo,
  multiply,
  negate,
  parseNumber,
  subtract,
  toDouble,
} from "./number.ts";
import { formatFixed, formatNumber, toScientific } from "./number-text.ts";

function parsed(text: string): BigNumber {
  const number = parseNumber(text);
  assert.ok(number !== null, text);
  return number;
}

test("decimal text is read and written back without loss", () => {
  const texts = ["0", "-0", "7", "1.25", "-0.001", "123456789012345678901234567890.123456789"];
  for (const text of texts) assert.equal(formatNumber(parsed(text)), text);
  assert.equal(formatNumber(parsed("1e3")), "1000");
  assert.equal(formatNumber(parsed("25e-1")), "2.5");
  assert.equal(formatNumber(parsed("1.50")), "1.5");
});

test("text that is no number is refused", () => {
  for (const text of ["", ".", "-", "1e", "0x10", " 1", "1_000", "NaN"]) {
    assert.equal(parseNumber(text), null, text);
  }
});

test("arithmetic keeps 512 bits", () => {
  assert.equal(formatNumber(add(parsed("0.1"), parsed("0.2"))), "0.3");
  const third = divide(fromInteger(1), fromInteger(3));
  assert.ok(third !== null);
  assert.match(formatNumber(third), /^0\.3{154}5$/);
  const big = multiply(parsed("9007199254740993"), parsed("3"));
  assert.equal(formatNumber(big), "27021597764222979");
  assert.equal(formatNumber(subtract(parsed("1e30"), parsed("1"))), "9".repeat(30));
});

test("the remainder has the sign of the dividend", () => {
  const remainder = (a: string, b: string) => formatNumber(modulo(parsed(a), parsed(b)));
  assert.equal(remainder("7", "3"), "1");
  assert.equal(remainder("-7", "3"), "-1");
  assert.equal(remainder("7", "-3"), "1");
  assert.equal(remainder("7.5", "2"), "1.5");
  assert.equal(remainder("7", "0"), "7");
});

test("division by zero is infinite, and zero by zero means nothing", () => {
  const infinite = divide(fromInteger(-1), fromInteger(0));
  assert.ok(infinite !== null);
  assert.equal(formatNumber(infinite), "-Inf");
  assert.equal(divide(fromInteger(0), fromInteger(0)), null);
  assert.equal(compare(infinite, parsed("-1e100")), -1);
});

test("numbers are ordered across zero", () => {
  const ascending = ["-10", "-0.5", "0", "0.25", "3", "1e20"].map(parsed);
  for (const [i, a] of ascending.entries()) {
    for (const [j, b] of ascending.entries()) {
      assert.equal(Math.sign(compare(a, b)), Math.sign(i - j));
    }
  }
  assert.equal(compare(parsed("0"), negate(parsed("0"))), 0);
});

test("doubles survive in both directions", () => {
  for (const value of [0, 0.1, -2.5, 1e300, 5e-324, 2 ** 53 + 2, 1 / 3, -1e-7]) {
    assert.equal(toDouble(fromDouble(value)), value);
    assert.equal(Number(formatNumber(fromDouble(value))), value);
  }
  assert.equal(formatNumber(fromDouble(2 ** 0.5)), String(2 ** 0.5));
});

test("fixed digits are rounded half to even", () => {
  assert.equal(formatFixed(parsed("2.5"), 0), "2");
  assert.equal(formatFixed(parsed("3.5"), 0), "4");
  assert.equal(formatFixed(parsed("-0.125"), 2), "-0.12");
  assert.equal(formatFixed(parsed("1e20"), 1), "100000000000000000000.0");
});

test("significant digits tell the power of ten of the first one", () => {
  assert.deepEqual(toScientific(parsed("12345.678"), 3), { digits: "123", exponent: 4 });
  assert.deepEqual(toScientific(parsed("0.00099951"), 3), { digits: "100", exponent: -3 });
  assert.deepEqual(toScientific(parsed("1200"), null), { digits: "12", exponent: 3 });
  assert.deepEqual(toScientific(parsed("0.05"), null), { digits: "5", exponent: -2 });
});
