/** `validation` blocks: rules that the value of a variable has to meet. */
import {
  type Block,
  BOOL,
  boolOf,
  convert,
  type Diagnostic,
  type Expression,
  errorAt,
  evaluate,
  evaluateAttribute,
  type FunctionTable,
  formatRange,
  isKnown,
  isNull,
  object,
  type Range,
  referencesOf,
  STRING,
  stringOf,
  type VariableExpression,
} from "@drover/hcl";
import type { Assignment, Variable } from "./variable.ts";

export interface Validation {
  /** Null when it was left out; that has been reported. */
  readonly condition: Expression | null;
  readonly errorMessage: string;
  readonly range: Range;
}

const SCHEMA = {
  attributes: [
    { name: "condition", required: true },
    { name: "error_message", required: true },
  ],
  blocks: [],
};

export function decodeValidation(name: string, block: Block, out: Diagnostic[]): Validation {
  const { attributes } = block.body.content(SCHEMA, out);
  const condition = attributes.get("condition")?.expression ?? null;
  if (condition !== null) checkReferences(name, condition, out);
  const message = attributes.get("error_message");
  let errorMessage = "";
  if (message !== undefined) {
    const converted = convert(evaluateAttribute(message, out), STRING);
    const isText = converted.ok && isKnown(converted.value) && !isNull(converted.value);
    errorMessage = isText ? stringOf(converted.value) : "";
    const where = message.expression.range;
    if (!converted.ok) {
      out.push(errorAt(where, "Unsuitable value type", `Unsuitable value: ${converted.message}`));
    } else if (errorMessage === "") {
      const detail = "An empty string is not a valid nor useful error message.";
      out.push(errorAt(where, "Invalid validation error message", detail));
    }
  }
  return { condition, errorMessage, range: block.headerRange };
}

/** A condition may look at its own variable only. */
function checkReferences(name: string, condition: Expression, out: Diagnostic[]): void {
  let good = 0;
  for (const reference of referencesOf(condition)) {
    if (refersTo(reference, name)) {
      good += 1;
      continue;
    }
    const detail = `The condition for variable "${name}" can only refer to the variable itself, using var.${name}.`;
    out.push(errorAt(reference.range, "Invalid reference in variable validation", detail));
  }
  if (good > 0) return;
  const detail = `The condition for variable "${name}" must refer to var.${name} in order to test incoming values.`;
  out.push(errorAt(condition.range, "Invalid variable validation condition", detail));
}

function refersTo(reference: VariableExpression, name: string): boolean {
  const [first] = reference.steps;
  return reference.root === "var" && first?.kind === "attribute" && first.name === name;
}

export function checkValidations(
  variable: Variable,
  assignment: Assignment,
  functions: FunctionTable,
  out: Diagnostic[],
): void {
  const variables = new Map([["var", object(new Map([[variable.name, assignment.value]]))]]);
  const scope = { variables, functions, parent: null };
  for (const { condition, errorMessage, range } of variable.validations) {
    if (condition === null) {
      const detail = "validation requires a condition.";
      out.push(errorAt(range, "Invalid variable validation specification", detail));
      continue;
    }
    const result = evaluate(condition, { scope, diagnostics: out });
    if (!isKnown(result)) continue;
    const invalid = (detail: string): void => {
      out.push(errorAt(condition.range, "Invalid variable validation result", detail));
    };
    if (isNull(result)) {
      invalid("Validation condition expression must return either true or false, not null.");
      continue;
    }
    const converted = convert(result, BOOL);
    if (!converted.ok) {
      invalid(`Invalid validation condition result value: ${converted.message}.`);
      continue;
    }
    if (boolOf(converted.value)) continue;
    const detail = `${errorMessage}\n\nThis was checked by the validation rule at ${formatRange(range)}.`;
    out.push(errorAt(assignment.range, `Invalid value for ${assignment.origin} variable`, detail));
  }
}
