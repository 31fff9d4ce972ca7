/** Types of values, and how messages name them. */

export type Type =
  | PrimitiveType
  | CollectionType
  | { readonly kind: "tuple"; readonly elements: readonly Type[] }
  | ObjectType;

export interface PrimitiveType {
  readonly kind: "string" | "number" | "bool" | "dynamic";
}

export interface CollectionType {
  readonly kind: "list" | "set" | "map";
  readonly element: Type;
}

export interface ObjectType {
  readonly kind: "object";
  readonly attributes: ReadonlyMap<string, Type>;
  /** Attributes that may be left out when a value is converted to this type. */
  readonly optional?: ReadonlySet<string>;
}

export const STRING: PrimitiveType = { kind: "string" };
export const NUMBER: PrimitiveType = { kind: "number" };
export const BOOL: PrimitiveType = { kind: "bool" };
/** Any type, or not known yet. */
export const DYNAMIC: PrimitiveType = { kind: "dynamic" };

export function listOf(element: Type): CollectionType {
  return { kind: "list", element };
}

export function setOf(element: Type): CollectionType {
  return { kind: "set", element };
}

export function mapOf(element: Type): CollectionType {
  return { kind: "map", element };
}

export function tupleOf(elements: readonly Type[]): Type {
  return { kind: "tuple", elements };
}

export function objectOf(attributes: ReadonlyMap<string, Type>): ObjectType {
  return { kind: "object", attributes };
}

export function isPrimitive(type: Type): type is PrimitiveType {
  return type.kind === "string" || type.kind === "number" || type.kind === "bool";
}

export function isCollection(type: Type): type is CollectionType {
  return type.kind === "list" || type.kind === "set" || type.kind === "map";
}

export function sameType(a: Type, b: Type): boolean {
  if (a === b) return true;
  if (a.kind === "object" && b.kind === "object") {
    if (a.attributes.size !== b.attributes.size) return false;
    for (const [name, type] of a.attributes) {
      const other = b.attributes.get(name);
      if (other === undefined || !sameType(type, other)) return false;
    }
    return true;
  }
  if (a.kind === "tuple" && b.kind === "tuple") {
    return (
      a.elements.length === b.elements.length &&
      a.elements.every((type, i) => sameType(type, b.elements[i] ?? DYNAMIC))
    );
  }
  if (isCollection(a) && isCollection(b)) {
    return a.kind === b.kind && sameType(a.element, b.element);
  }
  return a.kind === b.kind;
}

/** `list of string`, `object`, `bool` … */
export function typeName(type: Type): string {
  return isCollection(type) ? `${type.kind} of ${typeName(type.element)}` : type.kind;
}
