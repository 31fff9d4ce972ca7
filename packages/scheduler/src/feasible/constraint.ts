/** Evaluates constraints on one node (spec §6.3, operators of §1.8). */
import type { Constraint, Node } from "@drover/model";
import type { NodeFilter } from "./filter.ts";
import { isUniqueTarget, resolveTarget } from "./target.ts";
import { matchesVersion } from "./version.ts";

/** Operators that look at the job's other allocations; `distinct.ts` evaluates them. */
function isDistinctOperand(operand: string): boolean {
  return operand === "distinct_hosts" || operand === "distinct_property";
}

export function constraintText(constraint: Constraint): string {
  return `${constraint.lTarget} ${constraint.operand} ${constraint.rTarget}`;
}

/** Constraints on unique attributes must be evaluated node by node. */
export function escapesClass(constraint: Constraint): boolean {
  return isUniqueTarget(constraint.lTarget) || isUniqueTarget(constraint.rTarget);
}

export class ConstraintFilter implements NodeFilter {
  readonly #constraints: readonly Constraint[];

  constructor(constraints: readonly Constraint[]) {
    this.#constraints = constraints.filter((each) => !isDistinctOperand(each.operand));
  }

  explain(node: Node): string | null {
    for (const constraint of this.#constraints) {
      if (!meetsConstraint(constraint, node)) return constraintText(constraint);
    }
    return null;
  }
}

export function meetsConstraint(constraint: Constraint, node: Node): boolean {
  return compareTargets(
    constraint.operand,
    resolveTarget(constraint.lTarget, node),
    resolveTarget(constraint.rTarget, node),
  );
}

/** `left` and `right` are undefined where the node has no such attribute. */
export function compareTargets(
  operand: string,
  left: string | undefined,
  right: string | undefined,
): boolean {
  switch (operand) {
    case "!=":
    case "not":
      return left !== right;
    case "is_set":
      return left !== undefined;
    case "is_not_set":
      return left === undefined;
    default:
  }
  if (left === undefined || right === undefined) return false;
  return compareValues(operand, left, right);
}

function compareValues(operand: string, left: string, right: string): boolean {
  switch (operand) {
    case "=":
    case "==":
    case "is":
      return left === right;
    case "<":
    case "<=":
    case ">":
    case ">=":
      return compareOrder(operand, left, right);
    case "version":
    case "semver":
      return matchesVersion(left, right, operand);
    case "regexp":
      return matchesRegexp(left, right);
    case "set_contains":
    case "set_contains_all":
      return splitSet(right).every((item) => splitSet(left).includes(item));
    case "set_contains_any":
      return splitSet(right).some((item) => splitSet(left).includes(item));
    default:
      return false;
  }
}

function compareOrder(operand: string, left: string, right: string): boolean {
  const order = orderOf(left, right);
  switch (operand) {
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    default:
      return order >= 0;
  }
}

/** Integers if both are, else floats if both are, else the texts themselves. */
function orderOf(left: string, right: string): number {
  const integer = /^[+-]?\d+$/;
  if (integer.test(left) && integer.test(right)) {
    const difference = BigInt(left) - BigInt(right);
    return difference < 0n ? -1 : difference > 0n ? 1 : 0;
  }
  const a = Number(left);
  const b = Number(right);
  if (left.trim() !== "" && right.trim() !== "" && !Number.isNaN(a) && !Number.isNaN(b)) {
    return a - b;
  }
  return left < right ? -1 : left > right ? 1 : 0;
}

function splitSet(text: string): string[] {
  return text.split(",").map((item) => item.trim());
}

/** Patterns are written for RE2; its inline flags and named groups are spelled differently here. */
function matchesRegexp(text: string, pattern: string): boolean {
  const inline = /^\(\?([ims]+)\)/.exec(pattern);
  const flags = inline?.[1] ?? "";
  const body = pattern.slice(inline?.[0].length ?? 0).replaceAll("(?P<", "(?<");
  const compiled = compile(body, flags);
  return compiled?.test(text) ?? false;
}

const compiledPatterns = new Map<string, RegExp | null>();
const COMPILED_MAX = 256;

function compile(body: string, flags: string): RegExp | null {
  const key = `${flags}/${body}`;
  const known = compiledPatterns.get(key);
  if (known !== undefined) return known;
  let compiled: RegExp | null;
  try {
    compiled = new RegExp(body, flags);
  } catch (error) {
    // A pattern that does not compile matches nothing; validation has already told its author.
    if (!(error instanceof SyntaxError)) throw error;
    compiled = null;
  }
  if (compiledPatterns.size >= COMPILED_MAX) compiledPatterns.clear();
  compiledPatterns.set(key, compiled);
  return compiled;
}
