/** Finds the one type that values of several types can all become. */
import { canConvert } from "./convert.ts";
import { DYNAMIC, listOf, mapOf, objectOf, sameType, setOf, type Type, tupleOf } from "./type.ts";

type Mode = "safe" | "unsafe";

/** Null when there is none. */
export function unify(types: readonly Type[], mode: Mode): Type | null {
  const [first] = types;
  if (first === undefined) return DYNAMIC;
  if (types.every((type) => sameType(type, first))) return first;
  if (types.some((type) => type.kind === "dynamic")) return DYNAMIC;
  const structural = unifyStructural(types, mode);
  if (structural !== undefined) return structural;
  for (const candidate of types) {
    if (types.every((type) => canConvert(type, candidate, "safe"))) return candidate;
  }
  if (mode === "safe") return null;
  const candidates = [...types].sort(
    (a, b) => Number(b.kind === "list") - Number(a.kind === "list"),
  );
  return candidates.find((candidate) => types.every((t) => canConvert(t, candidate, mode))) ?? null;
}

/** Undefined when the types are not all of one family of structures. */
function unifyStructural(types: readonly Type[], mode: Mode): Type | null | undefined {
  const kinds = new Set(types.map((type) => type.kind));
  const only = (...allowed: Type["kind"][]) => [...kinds].every((kind) => allowed.includes(kind));
  if (only("object")) return unifyObjects(types, mode);
  if (only("tuple")) return unifyTuples(types, mode);
  if (only("object", "map")) return wrap(mapOf, elementTypes(types), mode);
  if (only("tuple", "list")) return wrap(listOf, elementTypes(types), mode);
  if (only("tuple", "set")) return wrap(setOf, elementTypes(types), mode);
  return undefined;
}

function wrap(of: (element: Type) => Type, elements: readonly Type[], mode: Mode): Type | null {
  const element = unify(elements, mode);
  return element === null ? null : of(element);
}

function elementTypes(types: readonly Type[]): Type[] {
  return types.flatMap((type) => {
    switch (type.kind) {
      case "object":
        return [...type.attributes.values()];
      case "tuple":
        return [...type.elements];
      case "list":
      case "set":
      case "map":
        return [type.element];
      default:
        return [];
    }
  });
}

function unifyObjects(types: readonly Type[], mode: Mode): Type | null {
  const attributes = types.map((type) => (type.kind === "object" ? type.attributes : new Map()));
  const names = [...(attributes[0]?.keys() ?? [])];
  const sameNames = attributes.every(
    (each) => each.size === names.length && names.every((name) => each.has(name)),
  );
  if (!sameNames) return wrap(mapOf, elementTypes(types), mode);
  const unified = new Map<string, Type>();
  for (const name of names) {
    const type = unify(
      attributes.map((each) => each.get(name) ?? DYNAMIC),
      mode,
    );
    if (type === null) return null;
    unified.set(name, type);
  }
  return objectOf(unified);
}

function unifyTuples(types: readonly Type[], mode: Mode): Type | null {
  const elements = types.map((type) => (type.kind === "tuple" ? type.elements : []));
  const length = elements[0]?.length ?? 0;
  if (!elements.every((each) => each.length === length)) {
    return wrap(listOf, elementTypes(types), mode);
  }
  const unified: Type[] = [];
  for (let i = 0; i < length; i += 1) {
    const type = unify(
      elements.map((each) => each[i] ?? DYNAMIC),
      mode,
    );
    if (type === null) return null;
    unified.push(type);
  }
  return tupleOf(unified);
}
