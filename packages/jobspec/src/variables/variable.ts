/** Input variables of a job file, and where their values come from. */
import {
  type Attribute,
  type Block,
  type Body,
  convert,
  type Diagnostic,
  EMPTY_SCOPE,
  errorAt,
  evaluateAttribute,
  type FunctionTable,
  parseTypeConstraint,
  type Range,
  STRING,
  type Type,
  UNKNOWN,
  unknownOf,
  type Value,
} from "@drover/hcl";
import { checkValidations, decodeValidation, type Validation } from "./validation.ts";

/** The word that messages use for where a value came from. */
export type Origin = "default" | "env" | "varfile" | "cmd";

export interface Assignment {
  readonly origin: Origin;
  readonly value: Value;
  readonly range: Range;
}

export interface Variable {
  readonly name: string;
  /** Null: neither a type nor a default says it. */
  readonly type: Type | null;
  /** The last one counts. */
  readonly assignments: Assignment[];
  readonly validations: readonly Validation[];
}

export type Variables = Map<string, Variable>;

const VARIABLE_SCHEMA = {
  attributes: [
    { name: "description" },
    { name: "default" },
    { name: "type" },
    { name: "sensitive" },
  ],
  blocks: [{ type: "validation", labels: [] }],
};
const IDENTIFIER = /^[\p{ID_Start}_][\p{ID_Continue}-]*$/u;

/** A `variable` block. */
export function declareVariable(block: Block, variables: Variables, out: Diagnostic[]): void {
  const name = block.labels[0] ?? "";
  if (variables.has(name)) {
    const detail = `Duplicate ${name} variable definition found.`;
    out.push(errorAt(null, "Duplicate variable", detail));
    return;
  }
  const content = block.body.withScope(EMPTY_SCOPE).content(VARIABLE_SCHEMA, out);
  if (!IDENTIFIER.test(name)) {
    const detail =
      "A name must start with a letter or underscore and may contain only letters, digits, underscores, and dashes.";
    out.push(errorAt(block.labelRanges[0] ?? block.headerRange, "Invalid variable name", detail));
  }
  readText(content.attributes.get("description"), out);
  const typeAttribute = content.attributes.get("type");
  let type: Type | null = null;
  if (typeAttribute !== undefined) {
    type = parseTypeConstraint(typeAttribute.expression, out);
    if (type === null) return;
  }
  const assignments: Assignment[] = [];
  const defaultAttribute = content.attributes.get("default");
  if (defaultAttribute !== undefined) {
    const value = readDefault(defaultAttribute, type, out);
    if (value === null) return;
    const { range } = defaultAttribute.expression;
    assignments.push({ origin: "default", value, range });
    type ??= value.type;
  }
  const validations = content.blocks.map((each) => decodeValidation(name, each, out));
  variables.set(name, { name, type, assignments, validations });
}

function readText(attribute: Attribute | undefined, out: Diagnostic[]): void {
  if (attribute === undefined) return;
  const converted = convert(evaluateAttribute(attribute, out), STRING);
  if (converted.ok) return;
  const detail = `Unsuitable value: ${converted.message}`;
  out.push(errorAt(attribute.expression.range, "Unsuitable value type", detail));
}

function readDefault(attribute: Attribute, type: Type | null, out: Diagnostic[]): Value | null {
  const mark = out.length;
  const value = evaluateAttribute(attribute, out);
  if (out.length > mark) return null;
  if (type === null) return value;
  const converted = convert(value, type);
  if (converted.ok) return converted.value;
  const detail = `This default value is not compatible with the variable's type constraint: ${converted.message}.`;
  out.push(errorAt(attribute.expression.range, "Invalid default value for variable", detail));
  return UNKNOWN;
}

/** `variables { name = default }`, the old form. */
export function declareVariables(body: Body, variables: Variables, out: Diagnostic[]): void {
  for (const [name, attribute] of body.withScope(EMPTY_SCOPE).justAttributes(out)) {
    if (variables.has(name)) {
      const detail = `Duplicate ${name} variable definition found.`;
      out.push(errorAt(attribute.nameRange, "Duplicate variable", detail));
      continue;
    }
    const value = readDefault(attribute, null, out);
    if (value === null) continue;
    const { range } = attribute.expression;
    const assignments: Assignment[] = [{ origin: "default", value, range }];
    variables.set(name, { name, type: value.type, assignments, validations: [] });
  }
}

/** Values of all variables; those without one, and those that their rules refuse, are reported. */
export function variableValues(
  variables: Variables,
  functions: FunctionTable,
  out: Diagnostic[],
): Map<string, Value> {
  const values = new Map<string, Value>();
  for (const variable of variables.values()) {
    const assignment = variable.assignments.at(-1);
    if (assignment === undefined) {
      const detail =
        "A used variable must be set or have a default value; see https://developer.hashicorp.com/nomad/docs/reference/hcl2/variables  for details.";
      out.push(errorAt(null, `Unset variable "${variable.name}"`, detail));
      values.set(variable.name, unknownOf(variable.type ?? UNKNOWN.type));
      continue;
    }
    values.set(variable.name, assignment.value);
    checkValidations(variable, assignment, functions, out);
  }
  return values;
}
