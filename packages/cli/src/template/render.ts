/** Runs a parsed Go template over an answer of the API (spec chapter 7 §7.3). */
import type { Json } from "@drover/model";
import { CallFailure, callFunction } from "./functions.ts";
import {
  type Operand,
  type Pipeline,
  parseTemplate,
  TemplateError,
  type TemplateNode,
} from "./parse.ts";
import { isTrue, itemsOf, showValue } from "./values.ts";

/** `typeName` stands in errors for what the template was given. */
export function renderTemplate(text: string, value: Json, typeName: string): string {
  const scope: Scope = { dot: value, variables: new Map([["$", value]]), typeName };
  return renderNodes(parseTemplate(text), scope);
}

interface Scope {
  readonly dot: Json;
  readonly variables: ReadonlyMap<string, Json>;
  readonly typeName: string;
}

function renderNodes(nodes: readonly TemplateNode[], scope: Scope): string {
  let inner = scope;
  let out = "";
  for (const node of nodes) {
    if (node.kind === "action" && node.pipeline.variables.length > 0) {
      inner = withVariables(inner, node.pipeline, [evaluate(node.pipeline, inner)]);
    } else out += renderNode(node, inner);
  }
  return out;
}

function renderNode(node: TemplateNode, scope: Scope): string {
  if (node.kind === "text") return node.text;
  const value = evaluate(node.pipeline, scope);
  if (node.kind === "action") return showValue(value);
  if (node.kind === "range") return renderRange(node, value, scope);
  if (!isTrue(value)) return renderNodes(node.otherwise, scope);
  const inner = withVariables(scope, node.pipeline, [value]);
  return renderNodes(node.body, node.kind === "with" ? { ...inner, dot: value } : inner);
}

function renderRange(
  node: TemplateNode & { readonly kind: "if" | "range" | "with" },
  value: Json,
  scope: Scope,
): string {
  const items = itemsOf(value);
  if (items.length === 0) return renderNodes(node.otherwise, scope);
  const pair = node.pipeline.variables.length === 2;
  return items
    .map(([key, item]) => {
      const inner = withVariables(scope, node.pipeline, pair ? [key, item] : [item]);
      return renderNodes(node.body, { ...inner, dot: item });
    })
    .join("");
}

function withVariables(scope: Scope, pipeline: Pipeline, values: readonly Json[]): Scope {
  if (pipeline.variables.length === 0) return scope;
  const variables = new Map(scope.variables);
  pipeline.variables.forEach((name, i) => {
    variables.set(name, values[i] ?? null);
  });
  return { ...scope, variables };
}

function evaluate(pipeline: Pipeline, scope: Scope): Json {
  let value: Json | undefined;
  for (const [head, ...rest] of pipeline.commands) {
    if (head === undefined) throw failure(pipeline, "missing value for command");
    const operands = rest.map((operand) => operandValue(operand, pipeline, scope));
    const args = value === undefined ? operands : [...operands, value];
    if (head.kind === "function") value = called(head.name, args, pipeline);
    else if (args.length === 0) value = operandValue(head, pipeline, scope);
    else throw failure(pipeline, "can't give argument to non-function");
  }
  return value ?? null;
}

function called(name: string, args: readonly Json[], pipeline: Pipeline): Json {
  try {
    return callFunction(name, args);
  } catch (error) {
    throw error instanceof CallFailure ? failure(pipeline, error.message) : error;
  }
}

function operandValue(operand: Operand, pipeline: Pipeline, scope: Scope): Json {
  switch (operand.kind) {
    case "literal":
      return operand.value;
    case "function":
      return evaluate({ ...pipeline, commands: [[operand]] }, scope);
    case "group":
      return membersOf(evaluate(operand.pipeline, scope), operand.names, pipeline, scope);
    case "field":
      return membersOf(startOf(operand.from, pipeline, scope), operand.names, pipeline, scope);
  }
}

/** The dot, or a variable. */
function startOf(name: string, pipeline: Pipeline, scope: Scope): Json {
  if (name === "") return scope.dot;
  const value = scope.variables.get(name);
  if (value === undefined) throw failure(pipeline, `undefined variable ${name}`);
  return value;
}

function membersOf(start: Json, names: readonly string[], pipeline: Pipeline, scope: Scope): Json {
  let value = start;
  for (const name of names) {
    const inner = memberOf(value, name);
    if (inner === undefined) {
      throw failure(pipeline, `can't evaluate field ${name} in type ${scope.typeName}`);
    }
    value = inner;
  }
  return value;
}

function memberOf(value: Json, name: string): Json | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return value[name];
}

function failure(pipeline: Pipeline, reason: string): TemplateError {
  const { line, column, source } = pipeline;
  return new TemplateError(`template: :${line}:${column}: executing "" at <${source}>: ${reason}`);
}
