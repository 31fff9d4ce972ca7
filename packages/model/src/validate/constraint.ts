/** Constraints, affinities and spreads (spec chapter 1 §1.8). */
import type { Affinity, Constraint, Spread } from "../job/constraint.ts";
import { Problems, quote } from "./problems.ts";

const COMPARISONS = new Set(["=", "==", "is", "!=", "not", "<", "<=", ">", ">="]);
const SETS = new Set(["set_contains", "set_contains_all", "set_contains_any"]);
const KNOWN_TARGETS = new Set([
  "node.unique.id",
  "node.unique.name",
  "node.datacenter",
  "node.class",
  "node.pool",
]);
const TARGET_PREFIXES = ["attr.", "meta.", "device."];

export function validateConstraints(
  constraints: readonly Constraint[],
  problems: Problems,
  check = constraintProblems,
): void {
  for (const [i, constraint] of constraints.entries()) {
    problems.nest(`Constraint ${i + 1} validation failed: `, check(constraint));
  }
}

/** Conditions that only a whole allocation can meet make no sense for one of its tasks. */
export function validateTaskConstraints(
  constraints: readonly Constraint[],
  problems: Problems,
): void {
  for (const [i, constraint] of constraints.entries()) {
    if (constraint.operand.startsWith("distinct_")) {
      problems.add(
        `Constraint ${i + 1} has disallowed Operand at task level: ${constraint.operand}`,
      );
      continue;
    }
    problems.nest(`Constraint ${i + 1} validation failed: `, constraintProblems(constraint));
  }
}

function constraintProblems({ lTarget, rTarget, operand }: Constraint): Problems {
  const problems = new Problems();
  let needsTarget = true;
  if (COMPARISONS.has(operand)) {
    problems.addIf(rTarget === "", `Operator ${quote(operand)} requires an RTarget`);
  } else if (SETS.has(operand)) {
    problems.addIf(rTarget === "", "Set contains constraint requires an RTarget");
  } else if (operand === "distinct_hosts") {
    needsTarget = false;
  } else if (operand === "distinct_property") {
    const isCount = rTarget === "" || /^\d+$/.test(rTarget);
    problems.addIf(
      !isCount,
      `Failed to convert RTarget ${quote(rTarget)} to uint64: ` +
        `strconv.ParseUint: parsing ${quote(rTarget)}: invalid syntax`,
    );
    const isZero = isCount && rTarget !== "" && Number(rTarget) === 0;
    problems.addIf(isZero, "Distinct Property must have an allowed count of 1 or greater; got 0");
  } else if (operand === "is_set" || operand === "is_not_set") {
    problems.addIf(rTarget !== "", `Operator ${quote(operand)} does not support an RTarget`);
  } else {
    addPatternProblem(operand, rTarget, problems);
  }
  if (!needsTarget) return problems;
  problems.addIf(lTarget === "", "no attribute provided but is required by operator");
  problems.addIf(!isKnownTarget(lTarget), `unsupported attribute ${quote(lTarget)}`);
  return problems;
}

function addPatternProblem(operand: string, rTarget: string, problems: Problems): void {
  switch (operand) {
    case "regexp": {
      const reason = regexpError(rTarget);
      problems.addIf(reason !== null, `Regular expression failed to compile: ${reason}`);
      return;
    }
    case "version":
      problems.addIf(
        !isVersionConstraint(rTarget),
        `Version constraint is invalid: malformed constraint: ${rTarget}`,
      );
      return;
    case "semver":
      problems.addIf(
        !isVersionConstraint(rTarget),
        `Semver constraint is invalid: Malformed constraint: ${rTarget}`,
      );
      return;
    default:
      problems.add(`Unknown constraint type ${quote(operand)}`);
  }
}

function isKnownTarget(target: string): boolean {
  if (target === "" || !target.startsWith("${")) return true;
  const name = target.slice(2).replace(/\}$/, "");
  return KNOWN_TARGETS.has(name) || TARGET_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** Why a pattern does not compile; null when it does. */
function regexpError(pattern: string): string | null {
  try {
    new RegExp(pattern);
    return null;
  } catch (error) {
    const opens = (pattern.match(/(?<!\\)\(/g) ?? []).length;
    const closes = (pattern.match(/(?<!\\)\)/g) ?? []).length;
    if (opens > closes) return `error parsing regexp: missing closing ): \`${pattern}\``;
    if (closes > opens) return `error parsing regexp: unexpected ): \`${pattern}\``;
    return `error parsing regexp: ${error instanceof Error ? error.message : String(error)}`;
  }
}

const VERSION_TERM =
  /^\s*(?:=|!=|>|<|>=|<=|~>)?\s*v?\d+(?:\.\d+)*(?:-[0-9A-Za-z.~-]+)?(?:\+[0-9A-Za-z.~-]+)?\s*$/;

function isVersionConstraint(text: string): boolean {
  return text.split(",").every((term) => VERSION_TERM.test(term));
}

export function validateAffinities(affinities: readonly Affinity[], problems: Problems): void {
  for (const [i, affinity] of affinities.entries()) {
    problems.nest(`Affinity ${i + 1} validation failed: `, affinityProblems(affinity));
  }
}

function affinityProblems({ lTarget, rTarget, operand, weight }: Affinity): Problems {
  const problems = new Problems();
  if (COMPARISONS.has(operand)) {
    problems.addIf(rTarget === "", `Operator ${quote(operand)} requires an RTarget`);
  } else if (SETS.has(operand)) {
    problems.addIf(rTarget === "", `Set contains operator requires an RTarget`);
  } else if (operand === "regexp" || operand === "version" || operand === "semver") {
    addPatternProblem(operand, rTarget, problems);
  } else {
    problems.add(`Unknown affinity operator ${quote(operand)}`);
  }
  problems.addIf(lTarget === "", "No LTarget provided but is required");
  problems.addIf(
    weight > 100 || weight < -100,
    "Affinity weight must be within the range [-100,100]",
  );
  problems.addIf(weight === 0, "Affinity weight cannot be zero");
  return problems;
}

export function validateSpreads(spreads: readonly Spread[], problems: Problems): void {
  for (const [i, spread] of spreads.entries()) {
    problems.nest(`Spread ${i + 1} validation failed: `, spreadProblems(spread));
  }
}

function spreadProblems(spread: Spread): Problems {
  const problems = new Problems();
  problems.addIf(spread.attribute === "", "Missing spread attribute");
  problems.addIf(
    spread.weight <= 0 || spread.weight > 100,
    "Spread block must have a positive weight from 0 to 100",
  );
  const seen = new Set<string>();
  let sum = 0;
  for (const target of spread.spreadTarget) {
    const value = quote(target.value);
    problems.addIf(seen.has(target.value), `Spread target value ${value} already defined`);
    problems.addIf(
      target.percent < 0 || target.percent > 100,
      `Spread target percentage for value ${value} must be between 0 and 100`,
    );
    seen.add(target.value);
    sum += target.percent;
  }
  problems.addIf(
    sum > 100,
    `Sum of spread target percentages must not be greater than 100%; got ${sum}%`,
  );
  return problems;
}
