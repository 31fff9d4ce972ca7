/** Says why a value of one type cannot become one of another. */
import { canConvert } from "./convert.ts";
import {
  type CollectionType,
  isCollection,
  isPrimitive,
  type ObjectType,
  type Type,
  typeName,
} from "./type.ts";

export function mismatchMessage(got: Type, want: Type): string {
  if (got.kind === "object" && want.kind === "object") return objectMismatch(got, want);
  if (isCollection(want)) {
    if (got.kind === "tuple" || got.kind === "object") return structuralMismatch(got, want);
    if (isCollection(got)) return collectionMismatch(got, want);
  }
  return plainMismatch(got, want);
}

function plainMismatch(got: Type, want: Type): string {
  const isStructural = want.kind === "tuple" || want.kind === "object";
  const wanted = `${typeName(want)} required`;
  return isStructural && !isPrimitive(got) ? wanted : `${wanted}, but have ${typeName(got)}`;
}

function objectMismatch(got: ObjectType, want: ObjectType): string {
  const missing: string[] = [];
  for (const [name, type] of want.attributes) {
    const given = got.attributes.get(name);
    if (given === undefined) {
      if (want.optional?.has(name) !== true) missing.push(`"${name}"`);
    } else if (!canConvert(given, type, "unsafe")) {
      return `attribute "${name}": ${mismatchMessage(given, type)}`;
    }
  }
  missing.sort();
  const last = missing.pop();
  if (last === undefined) return "object required";
  if (missing.length === 0) return `attribute ${last} is required`;
  const names = missing.length === 1 ? `${missing[0]} and ${last}` : listNames(missing, last);
  return `attributes ${names} are required`;
}

function listNames(names: readonly string[], last: string): string {
  return `${names.join(", ")}, and ${last}`;
}

function structuralMismatch(got: Type, want: CollectionType): string {
  if (got.kind === "tuple" && want.kind !== "map") {
    if (want.element.kind === "dynamic") return `all ${want.kind} elements must have the same type`;
    for (const [i, type] of got.elements.entries()) {
      if (!canConvert(type, want.element, "unsafe")) {
        return `element ${i}: ${mismatchMessage(type, want.element)}`;
      }
    }
  }
  if (got.kind === "object" && want.kind === "map") {
    if (want.element.kind === "dynamic") return "all map elements must have the same type";
    for (const [name, type] of got.attributes) {
      if (!canConvert(type, want.element, "unsafe")) {
        return `element "${name}": ${mismatchMessage(type, want.element)}`;
      }
    }
  }
  return `${typeName(want)} required`;
}

function collectionMismatch(got: CollectionType, want: CollectionType): string {
  const sameKind = got.kind === want.kind || (got.kind !== "map" && want.kind !== "map");
  if (!sameKind) return `${typeName(want)} required`;
  if (!canConvert(got.element, want.element, "unsafe")) {
    return `incorrect ${want.kind} element type: ${mismatchMessage(got.element, want.element)}`;
  }
  return `${typeName(want)} required`;
}
