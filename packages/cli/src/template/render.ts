/** Runs a parsed Go template over an answer of the API (spec chapter 7 §7.3). */
import type { Json } from "@drover/model";
import { quote } from "../format/quote.ts";
import { CallFailure, callFunction } from "./functions.ts";
import { type Place, TemplateError } from "./lex.ts";
import {
  type CommandNode,
  type Operand,
  type Pipeline,
  parseTemplate,
  type TemplateNode,
} from "./parse.ts";
import { isTrue, itemsOf, kindOf, showValue, typeOf } from "./values.ts";

/** A template that calls itself for ever. */
const DEPTH_MAX = 1000;

/** `typeName` stands in errors for what the template was given. */
export function renderTemplate(text: string, value: Json, typeName: string): string {
  const { nodes, defined } = parseTemplate(text);
  const dot: Typed = { value, type: typeName };
  return new Renderer(defined).render(nodes, { dot, variables: [["$", dot]], depth: 0 });
}

/** A value and Go's name for its type, where it is known. */
interface Typed {
  readonly value: Json;
  readonly type: string;
  /** A member that its map does not have: it prints otherwise than nil. */
  readonly missing?: true;
}

interface Scope {
  readonly dot: Typed;
  /** The last one of a name counts. */
  readonly variables: [name: string, value: Typed][];
  readonly depth: number;
}

type Source = Place & { readonly source: string };
type Block = TemplateNode & { readonly kind: "if" | "range" | "with" };

/** `{{break}}` and `{{continue}}`, with what was written until then. */
class LoopJump {
  readonly kind: "break" | "continue";
  readonly text: string;

  constructor(kind: "break" | "continue", text: string) {
    this.kind = kind;
    this.text = text;
  }
}

class Renderer {
  readonly #defined: ReadonlyMap<string, readonly TemplateNode[]>;

  constructor(defined: ReadonlyMap<string, readonly TemplateNode[]>) {
    this.#defined = defined;
  }

  render(nodes: readonly TemplateNode[], outer: Scope): string {
    const result = this.#nodes(nodes, outer);
    return typeof result === "string" ? result : result.text;
  }

  /** Variables declared here end with the nodes. */
  #nodes(nodes: readonly TemplateNode[], outer: Scope): string | LoopJump {
    const scope = { ...outer, variables: [...outer.variables] };
    let out = "";
    for (const node of nodes) {
      if (node.kind === "break" || node.kind === "continue") return new LoopJump(node.kind, out);
      const part = this.#node(node, scope);
      if (typeof part !== "string") return new LoopJump(part.kind, out + part.text);
      out += part;
    }
    return out;
  }

  #node(node: TemplateNode, scope: Scope): string | LoopJump {
    switch (node.kind) {
      case "text":
        return node.text;
      case "action":
        return this.#action(node.pipeline, scope);
      case "template":
        return this.#call(node, scope);
      case "if":
      case "with":
        return this.#choice(node, scope);
      case "range":
        return this.#range(node, scope);
      default:
        return "";
    }
  }

  #action(pipeline: Pipeline, scope: Scope): string {
    const typed = this.#evaluate(pipeline, scope);
    if (pipeline.variables.length === 0) {
      return typed.missing ? "<no value>" : showValue(typed.value);
    }
    this.#set(pipeline, [typed], scope);
    return "";
  }

  #set(pipeline: Pipeline, values: readonly Typed[], scope: Scope): void {
    pipeline.variables.forEach((name, i) => {
      const value = values[i] ?? { value: null, type: "<nil>" };
      const known = pipeline.assigns
        ? scope.variables.findLast(([one]) => one === name)
        : undefined;
      if (known) known[1] = value;
      else scope.variables.push([name, value]);
    });
  }

  #call(node: TemplateNode & { readonly kind: "template" }, scope: Scope): string {
    const nodes = this.#defined.get(node.name);
    if (nodes === undefined) throw failure(node, `template ${quote(node.name)} not defined`);
    if (scope.depth >= DEPTH_MAX) {
      throw failure(node, `exceeded maximum template depth (${DEPTH_MAX})`);
    }
    const none: Typed = { value: null, type: "<nil>" };
    const dot = node.pipeline === null ? none : this.#evaluate(node.pipeline, scope);
    return this.render(nodes, { dot, variables: [["$", dot]], depth: scope.depth + 1 });
  }

  #choice(node: Block, outer: Scope): string | LoopJump {
    const typed = this.#evaluate(node.pipeline, outer);
    const scope = { ...outer, variables: [...outer.variables] };
    this.#set(node.pipeline, [typed], scope);
    if (!isTrue(typed.value)) return this.#nodes(node.otherwise, scope);
    return this.#nodes(node.body, node.kind === "with" ? { ...scope, dot: typed } : scope);
  }

  #range(node: Block, outer: Scope): string | LoopJump {
    const { pipeline } = node;
    const list = this.#evaluate(pipeline, outer);
    const items = itemsOf(list.value);
    if (items === null) {
      const where = pipeline.commands.at(-1)?.operands[0] as Operand;
      throw failure(where, `range can't iterate over ${showValue(list.value)}`);
    }
    if (items.length === 0) return this.#nodes(node.otherwise, outer);
    const type = list.type.startsWith("[]") ? list.type.slice(2) : null;
    let out = "";
    for (const [key, item] of items) {
      const dot: Typed = { value: item, type: type ?? typeOf(item) };
      const scope = { ...outer, dot, variables: [...outer.variables] };
      const pair = pipeline.variables.length === 2;
      this.#set(pipeline, pair ? [{ value: key, type: typeOf(key) }, dot] : [dot], scope);
      const part = this.#nodes(node.body, scope);
      out += typeof part === "string" ? part : part.text;
      if (typeof part !== "string" && part.kind === "break") break;
    }
    return out;
  }

  #evaluate(pipeline: Pipeline, scope: Scope): Typed {
    let value: Typed | null = null;
    for (const command of pipeline.commands) value = this.#command(command, value, scope);
    return value ?? { value: null, type: "<nil>" };
  }

  #command(command: CommandNode, piped: Typed | null, scope: Scope): Typed {
    const [head, ...rest] = command.operands as [Operand, ...Operand[]];
    if (head.kind === "function") return this.#function(head.name, command, rest, piped, scope);
    if (rest.length > 0 || piped !== null) throw failure(head, notCallable(head));
    if (head.kind === "literal" && head.value === null) throw failure(head, "nil is not a command");
    return this.#operand(head, scope);
  }

  #function(
    name: string,
    command: Source,
    operands: readonly Operand[],
    piped: Typed | null,
    scope: Scope,
  ): Typed {
    const args: Json[] = [];
    const last = piped === null ? [] : [piped.value];
    for (const operand of operands) {
      args.push(this.#operand(operand, scope).value);
      // What decides keeps the rest from being looked at: `and .A .A.B`.
      const decides = (name === "and" || name === "or") && isTrue(args.at(-1) ?? null);
      if ((name === "or" && decides) || (name === "and" && !decides)) break;
    }
    const isDecided = (name === "and" || name === "or") && args.length > 0;
    const decided = isDecided && isTrue(args.at(-1) ?? null) === (name === "or");
    try {
      const value = callFunction(name, decided ? args : [...args, ...last]);
      return { value, type: typeOf(value) };
    } catch (error) {
      throw error instanceof CallFailure ? failure(command, error.message) : error;
    }
  }

  #operand(operand: Operand, scope: Scope): Typed {
    switch (operand.kind) {
      case "literal":
        return { value: operand.value, type: typeOf(operand.value) };
      case "function":
        return this.#function(operand.name, operand, [], null, scope);
      case "group":
        return this.#members(this.#evaluate(operand.pipeline, scope), operand);
      case "field":
        return this.#members(this.#start(operand.from, scope), operand);
    }
  }

  /** The dot, or a variable; that it is there has been seen when the template was parsed. */
  #start(name: string, scope: Scope): Typed {
    if (name === "") return scope.dot;
    const known = scope.variables.findLast(([one]) => one === name);
    return known?.[1] ?? { value: null, type: "<nil>" };
  }

  #members(start: Typed, operand: Operand & { readonly names: readonly string[] }): Typed {
    return operand.names.reduce((from, name) => memberOf(from, name, operand), start);
  }
}

/** What a map does not have is no mistake; what a structure does not have is one. */
function memberOf(from: Typed, name: string, where: Source): Typed {
  const { value } = from;
  const missing: Typed = { value: null, type: "<nil>", missing: true };
  if (kindOf(value) === "map") {
    const members = value as { readonly [member: string]: Json };
    const inner = members[name];
    if (inner !== undefined) return { value: inner, type: typeOf(inner) };
    if (!isStructure(members)) return missing;
  }
  if (value === null) {
    if (!isField(name)) return missing;
    throw failure(where, `nil pointer evaluating interface {}.${name}`);
  }
  throw failure(where, `can't evaluate field ${name} in type ${from.type}`);
}

/** Fields of the API's structures begin with a capital, all of them. */
function isStructure(members: { readonly [member: string]: Json }): boolean {
  const names = Object.keys(members);
  return names.length > 0 && names.every(isField);
}

function isField(name: string): boolean {
  return /^[A-Z]/.test(name);
}

function notCallable(head: Operand): string {
  if (head.kind !== "field" || head.names.length === 0) {
    return `can't give argument to non-function ${head.source}`;
  }
  return `${head.names.at(-1)} has arguments but cannot be invoked as function`;
}

function failure(where: Source, reason: string): TemplateError {
  const { line, column, source } = where;
  return new TemplateError(`template: :${line}:${column}: executing "" at <${source}>: ${reason}`);
}
