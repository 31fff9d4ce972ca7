/** Arithmetic, comparison and logic. */
import type { BinaryOperator } from "../syntax/ast.ts";
import { add, compare, divide, modulo, multiply, subtract } from "../values/number.ts";
import { BOOL, DYNAMIC, NUMBER, sameType, type Type } from "../values/type.ts";
import {
  bool,
  boolOf,
  equal,
  isKnown,
  isNull,
  isWhollyKnown,
  number,
  numberOf,
  unknownOf,
  type Value,
} from "../values/value.ts";

const OPERAND: Readonly<Record<BinaryOperator, Type>> = {
  "||": BOOL,
  "&&": BOOL,
  "==": DYNAMIC,
  "!=": DYNAMIC,
  "<": NUMBER,
  "<=": NUMBER,
  ">": NUMBER,
  ">=": NUMBER,
  "+": NUMBER,
  "-": NUMBER,
  "*": NUMBER,
  "/": NUMBER,
  "%": NUMBER,
};

export function operandType(operator: BinaryOperator): Type {
  return OPERAND[operator];
}

export function resultType(operator: BinaryOperator): Type {
  return "+-*/%".includes(operator) ? NUMBER : BOOL;
}

/** Both operands are of the operator's type. Text is why the operation failed. */
export function applyOperator(operator: BinaryOperator, left: Value, right: Value): Value | string {
  if (operator === "==" || operator === "!=") {
    if (!isWhollyKnown(left) || !isWhollyKnown(right)) return unknownOf(BOOL);
    return bool(isEqual(left, right) === (operator === "=="));
  }
  if (isNull(left) || isNull(right)) return "argument must not be null";
  if (!isKnown(left) || !isKnown(right)) return unknownOf(resultType(operator));
  if (operator === "&&") return bool(boolOf(left) && boolOf(right));
  if (operator === "||") return bool(boolOf(left) || boolOf(right));
  return arithmetic(operator, left, right);
}

export function isEqual(left: Value, right: Value): boolean {
  if (isNull(left) || isNull(right)) return isNull(left) && isNull(right);
  return sameType(left.type, right.type) && equal(left, right);
}

function arithmetic(operator: BinaryOperator, left: Value, right: Value): Value | string {
  const a = numberOf(left);
  const b = numberOf(right);
  switch (operator) {
    case "+":
      return number(add(a, b));
    case "-":
      return number(subtract(a, b));
    case "*":
      return number(multiply(a, b));
    case "/": {
      const quotient = divide(a, b);
      return quotient === null
        ? "can't divide zero by zero or infinity by infinity"
        : number(quotient);
    }
    case "%":
      return number(modulo(a, b));
    case "<":
      return bool(compare(a, b) < 0);
    case "<=":
      return bool(compare(a, b) <= 0);
    case ">":
      return bool(compare(a, b) > 0);
    default:
      return bool(compare(a, b) >= 0);
  }
}
