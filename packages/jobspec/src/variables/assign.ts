/** Values for variables from the environment, from files and from the command line. */
import {
  type Body,
  COMMAND_LINE,
  convert,
  type Diagnostic,
  EMPTY_SCOPE,
  errorAt,
  evaluate,
  evaluateAttribute,
  parseExpressionText,
  type Range,
  string,
  UNKNOWN,
  type Value,
} from "@drover/hcl";
import type { Origin, Variable, Variables } from "./variable.ts";

const ENV_PREFIX = "NOMAD_VAR_";

/** A name that is not declared is skipped: the environment is not written for one job only. */
export function assignFromEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  variables: Variables,
  out: Diagnostic[],
): void {
  for (const [key, text] of Object.entries(env)) {
    if (text === undefined || !key.startsWith(ENV_PREFIX)) continue;
    const name = key.slice(ENV_PREFIX.length);
    const variable = variables.get(name);
    if (variable === undefined) continue;
    const parsed = readText(variable, text, { origin: "env", from: "env" }, out);
    if (parsed !== null) {
      assign(variable, parsed, "env", out);
    }
  }
}

/** Later files win. */
export function assignFromFile(
  body: Body,
  variables: Variables,
  strict: boolean,
  out: Diagnostic[],
): void {
  const schema = { attributes: [], blocks: [{ type: "variable", labels: ["name"] }] };
  const declarations = body.partialContent(schema, []).content.blocks;
  for (const block of declarations) {
    const name = block.labels[0] ?? "";
    const file = block.typeRange.source.name;
    const detail = `A variable file gives values to variables that the job file declares. To set a value for this variable in ${file}, use the definition syntax instead:\n    ${name} = <value>`;
    out.push(errorAt(block.typeRange, "Variable declaration in a variable file", detail));
  }
  if (declarations.length > 0) return;
  for (const [name, attribute] of body.withScope(EMPTY_SCOPE).justAttributes(out)) {
    const variable = variables.get(name);
    if (variable !== undefined) {
      const value = evaluateAttribute(attribute, out);
      assign(variable, { value, range: attribute.expression.range }, "varfile", out);
    } else if (strict) {
      const detail = `A "${name}" variable was set but was not found in known variables. To declare variable "${name}", place this block in your job files`;
      out.push(errorAt(null, "Undefined variable", detail));
    }
  }
}

/** Flags are `name=value`; one without `=` is ignored, the last of a name wins. */
export function assignFromFlags(
  flags: readonly string[],
  variables: Variables,
  strict: boolean,
  out: Diagnostic[],
): void {
  const given = new Map<string, string>();
  for (const flag of flags) {
    const equals = flag.indexOf("=");
    if (equals !== -1) given.set(flag.slice(0, equals), flag.slice(equals + 1));
  }
  for (const [name, text] of given) {
    const variable = variables.get(name);
    if (variable !== undefined) {
      const parsed = readText(variable, text, { origin: "cmd", from: "arguments" }, out);
      if (parsed !== null) assign(variable, parsed, "cmd", out);
    } else if (strict) {
      const detail = `A "${name}" variable was passed in the command line but was not found in known variables. To declare variable "${name}", place this block in your job file`;
      out.push(errorAt(null, "Undefined -var variable", detail));
    }
  }
}

interface Given {
  readonly value: Value;
  readonly range: Range;
}

/** Text is taken as it is where text is wanted, and as an expression elsewhere. */
function readText(
  variable: Variable,
  text: string,
  where: { origin: Origin; from: string },
  out: Diagnostic[],
): Given | null {
  const kind = variable.type?.kind;
  if (kind === undefined || kind === "string" || kind === "number") {
    return { value: string(text), range: COMMAND_LINE };
  }
  const name = `<value for var.${variable.name} from ${where.from}>`;
  const { expression, diagnostics } = parseExpressionText({ name, text });
  out.push(...diagnostics);
  if (diagnostics.length > 0) return null;
  const mark = out.length;
  const value = evaluate(expression, { scope: EMPTY_SCOPE, diagnostics: out });
  return { value: out.length > mark ? UNKNOWN : value, range: expression.range };
}

function assign(variable: Variable, given: Given, origin: Origin, out: Diagnostic[]): void {
  const { range } = given;
  const converted =
    variable.type === null
      ? { ok: true as const, value: given.value }
      : convert(given.value, variable.type);
  if (converted.ok) {
    variable.assignments.push({ origin, value: converted.value, range });
    return;
  }
  const why = `not compatible with the variable's type constraint: ${converted.message}.`;
  out.push(
    origin === "cmd"
      ? errorAt(
          range,
          "Invalid argument value for -var variable",
          `The received arg value for ${variable.name} is ${why}`,
        )
      : errorAt(range, "Invalid value for variable", `The value for ${variable.name} is ${why}`),
  );
  variable.assignments.push({ origin, value: UNKNOWN, range });
}
