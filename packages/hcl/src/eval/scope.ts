/** What an expression may refer to: names, functions, and what unknown names mean. */
import type { VariableExpression } from "../syntax/ast.ts";
import type { Type } from "../values/type.ts";
import type { Value } from "../values/value.ts";

export interface Scope {
  /** Null where names may not be used at all, such as in a variable's default. */
  readonly variables: ReadonlyMap<string, Value> | null;
  /** Null where functions may not be called. */
  readonly functions: FunctionTable | null;
  readonly parent: Scope | null;
  /** What a name that nobody declared is worth; without it, such a name is an error. */
  readonly unknownVariable?: (reference: VariableExpression) => Value;
}

export type FunctionTable = ReadonlyMap<string, FunctionSpec>;

export interface Parameter {
  readonly name: string;
  readonly type: Type;
  readonly allowNull?: boolean;
}

export interface FunctionSpec {
  readonly parameters: readonly Parameter[];
  /** Takes all arguments beyond `parameters`. */
  readonly variadic?: Parameter;
  /** Arguments are converted, known and, unless allowed, not null. Throws `FunctionError`. */
  readonly call: (args: readonly Value[]) => Value;
  /** Set for functions that look at their arguments before evaluation: try, can, convert. */
  readonly special?: "try" | "can" | "convert";
}

/** A function refuses its arguments; `argument` is the index of the one to blame, if it is one. */
export class FunctionError extends Error {
  override readonly name = "FunctionError";
  readonly argument: number | null;

  constructor(message: string, argument: number | null = null) {
    super(message);
    this.argument = argument;
  }
}

export const EMPTY_SCOPE: Scope = { variables: null, functions: null, parent: null };

/** A scope with more names, for the rounds of `for` and `dynamic`. */
export function childScope(parent: Scope, variables: ReadonlyMap<string, Value>): Scope {
  return { variables, functions: parent.functions, parent };
}

export function findUnknownVariable(scope: Scope): Scope["unknownVariable"] {
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    if (at.unknownVariable !== undefined) return at.unknownVariable;
  }
  return undefined;
}
