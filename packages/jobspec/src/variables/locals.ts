/** `locals`: named values that may refer to each other in any order. */
import {
  type Block,
  type Diagnostic,
  type Expression,
  evaluate,
  type Scope,
  type Value,
} from "@drover/hcl";

/**
 * Evaluates what can be evaluated, again and again, until nothing is left or nothing new comes
 * out; the first one that cannot be is then reported. `scopeWith` makes the scope in which
 * `local` is what is known so far.
 */
export function evaluateLocals(
  blocks: readonly Block[],
  scopeWith: (locals: ReadonlyMap<string, Value>) => Scope,
  out: Diagnostic[],
): ReadonlyMap<string, Value> {
  let waiting: { name: string; expression: Expression }[] = [];
  for (const block of blocks) {
    for (const [name, { expression }] of block.body.justAttributes(out)) {
      waiting.push({ name, expression });
    }
  }
  const values = new Map<string, Value>();
  while (waiting.length > 0) {
    const failed: typeof waiting = [];
    let firstProblems: Diagnostic[] = [];
    for (const local of waiting) {
      const diagnostics: Diagnostic[] = [];
      const value = evaluate(local.expression, { scope: scopeWith(values), diagnostics });
      if (diagnostics.length === 0) values.set(local.name, value);
      else {
        if (failed.length === 0) firstProblems = diagnostics;
        failed.push(local);
      }
    }
    if (failed.length === waiting.length) {
      out.push(...firstProblems);
      break;
    }
    waiting = failed;
  }
  return values;
}
