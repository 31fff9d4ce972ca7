/**
 * Where the names in a body are not known beforehand, blocks are values: `a {…} a {…}` is a
 * tuple of two objects, labels are nested: `a "x" {…}` is `[{ x = [{…}] }]`.
 */
import { type Range, rangeBetween, startOf } from "../source.ts";
import type { BlockSyntax, BodySyntax, Expression, ObjectItem } from "../syntax/ast.ts";
import { string } from "../values/value.ts";

/** `a = {…}` means the same as `a {…}`. */
export function objectAsTuple(expression: Expression): Expression {
  return expression.kind === "object" ? asTuple([expression], expression.range) : expression;
}

export function blocksAsExpression(blocks: readonly BlockSyntax[]): Expression {
  const objects = blocks.map(blockAsObject);
  const first = objects[0];
  const last = objects.at(-1);
  if (first === undefined || last === undefined) {
    throw new RangeError("at least one block is turned into a value");
  }
  return asTuple(objects, rangeBetween(first.range, last.range));
}

export function blocksByType(blocks: readonly BlockSyntax[]): Map<string, BlockSyntax[]> {
  const groups = new Map<string, BlockSyntax[]>();
  for (const block of blocks) {
    const group = groups.get(block.type);
    if (group === undefined) groups.set(block.type, [block]);
    else group.push(block);
  }
  return groups;
}

function asTuple(items: Expression[], range: Range): Expression {
  const [first] = items;
  const openRange = first?.kind === "object" ? first.openRange : startOf(range);
  return { kind: "tuple", items, openRange, range };
}

function blockAsObject(block: BlockSyntax): Expression {
  let result = bodyAsObject(block.body, block.openBraceRange);
  for (let i = block.labels.length - 1; i >= 0; i -= 1) {
    const labelRange = block.labelRanges[i] ?? block.openBraceRange;
    const key: Expression = {
      kind: "literal",
      value: string(block.labels[i] ?? ""),
      range: labelRange,
    };
    const value = asTuple([result], result.range);
    const items: ObjectItem[] = [{ key, keyIsComputed: true, value }];
    const range = rangeBetween(labelRange, result.range);
    result = { kind: "object", items, openRange: labelRange, range };
  }
  return result;
}

function bodyAsObject(body: BodySyntax, openRange: Range): Expression {
  const items: ObjectItem[] = [];
  const keyAt = (name: string, range: Range): Expression => {
    return { kind: "literal", value: string(name), range };
  };
  for (const [name, attribute] of body.attributes) {
    items.push({
      key: keyAt(name, attribute.nameRange),
      keyIsComputed: true,
      value: attribute.expression,
    });
  }
  for (const [type, blocks] of blocksByType(body.blocks)) {
    const where = blocks[0]?.typeRange ?? openRange;
    items.push({ key: keyAt(type, where), keyIsComputed: true, value: blocksAsExpression(blocks) });
  }
  return { kind: "object", items, openRange, range: body.range };
}
