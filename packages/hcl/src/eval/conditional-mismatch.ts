/** Says why the two results of a conditional have no common type. */
import { canConvert } from "../values/convert.ts";
import { DYNAMIC, type ObjectType, type Type, typeName } from "../values/type.ts";

export function conditionalMismatch(whenTrue: Type, whenFalse: Type): string {
  if (whenTrue.kind === "object" && whenFalse.kind === "object") {
    const message = objectMismatch(whenTrue, whenFalse);
    if (message !== null) return message;
  }
  if (whenTrue.kind === "tuple" && whenFalse.kind === "tuple") {
    const message = tupleMismatch(whenTrue.elements, whenFalse.elements);
    if (message !== null) return message;
  }
  return `The 'true' value is ${typeName(whenTrue)}, but the 'false' value is ${typeName(whenFalse)}`;
}

function objectMismatch(whenTrue: ObjectType, whenFalse: ObjectType): string | null {
  for (const [name, type] of whenTrue.attributes) {
    const other = whenFalse.attributes.get(name);
    if (other === undefined) {
      return `The 'true' value includes object attribute "${name}", which is absent in the 'false' value`;
    }
    if (!areCompatible(type, other)) {
      return `Type mismatch for object attribute "${name}": ${conditionalMismatch(type, other)}`;
    }
  }
  for (const name of whenFalse.attributes.keys()) {
    if (!whenTrue.attributes.has(name)) {
      return `The 'false' value includes object attribute "${name}", which is absent in the 'true' value`;
    }
  }
  return null;
}

function tupleMismatch(whenTrue: readonly Type[], whenFalse: readonly Type[]): string | null {
  if (whenTrue.length !== whenFalse.length) {
    return `The 'true' tuple has length ${whenTrue.length}, but the 'false' tuple has length ${whenFalse.length}`;
  }
  for (const [i, type] of whenTrue.entries()) {
    const other = whenFalse[i] ?? DYNAMIC;
    if (!areCompatible(type, other)) {
      return `Type mismatch for tuple element ${i}: ${conditionalMismatch(type, other)}`;
    }
  }
  return null;
}

function areCompatible(a: Type, b: Type): boolean {
  return canConvert(a, b, "safe") || canConvert(b, a, "safe");
}
