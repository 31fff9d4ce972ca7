/** Functions on lists, tuples and sets. */
import { isEqual } from "../eval/operators.ts";
import { convert } from "../values/convert.ts";
import { add, type BigNumber, compare, fromBigInt, isZero } from "../values/number.ts";
import {
  DYNAMIC,
  listOf,
  NUMBER,
  STRING,
  setOf,
  type Type,
  tupleOf,
  typeName,
} from "../values/type.ts";
import { unify } from "../values/unify.ts";
import {
  bool,
  elementsOf,
  isNull,
  list,
  number,
  numberOf,
  set,
  tuple,
  type Value,
} from "../values/value.ts";
import {
  any,
  anyOrNull,
  define,
  defineVariadic,
  type Entry,
  fail,
  isSequence,
  num,
  parameter,
  sequenceOf,
  wholeOf,
} from "./define.ts";

const ANY_LIST = listOf(DYNAMIC);

export function listFunctions(): Entry[] {
  return [
    define("chunklist", [parameter("list", ANY_LIST), num("size")], chunkList),
    defineVariadic("coalesce", [], anyOrNull("vals"), coalesce),
    defineVariadic("coalescelist", [], anyOrNull("vals"), coalesceList),
    define("compact", [parameter("list", listOf(STRING))], (value) => {
      const kept = elementsOf(value).filter((each) => !isNull(each) && each.data !== "");
      return list(STRING, kept);
    }),
    defineVariadic("concat", [], any("seqs"), concat),
    define("contains", [any("list"), any("value")], (value, wanted) => {
      const elements = sequenceOf(value, "argument must be list, tuple, or set");
      return bool(elements.some((each) => isEqual(each, wanted)));
    }),
    define("distinct", [parameter("list", ANY_LIST)], (value) => {
      return { type: value.type, data: distinct(elementsOf(value)) };
    }),
    define("element", [any("list"), num("index")], element),
    define("flatten", [any("list")], (value) => {
      return tuple(flatten(sequenceOf(value, "can only flatten lists, sets and tuples")));
    }),
    define("slice", [any("list"), num("start_index"), num("end_index")], slice),
    defineVariadic("range", [], num("params"), range),
    ...setFunctions(),
  ];
}

function distinct(elements: readonly Value[]): Value[] {
  const kept: Value[] = [];
  for (const each of elements) {
    if (!kept.some((other) => isEqual(other, each))) kept.push(each);
  }
  return kept;
}

function chunkList(value: Value, sizeValue: Value): Value {
  const size = wholeOf(sizeValue, null, "invalid size: ");
  if (size < 0) fail("the size argument must be positive");
  const elements = elementsOf(value);
  const chunks: Value[] = [];
  const step = size === 0 ? Math.max(1, elements.length) : size;
  for (let i = 0; i < elements.length; i += step) {
    chunks.push({ type: value.type, data: elements.slice(i, i + step) });
  }
  return list(value.type, chunks);
}

function coalesce(args: readonly Value[]): Value {
  const type = unify(
    args.filter((each) => each.type.kind !== "dynamic").map((each) => each.type),
    "unsafe",
  );
  if (type === null || args.length === 0) fail("all arguments must have the same type");
  for (const each of args) {
    if (isNull(each)) continue;
    const converted = convert(each, type);
    if (!converted.ok) fail(converted.message);
    return converted.value;
  }
  return fail("no non-null arguments");
}

function coalesceList(args: readonly Value[]): Value {
  if (args.length === 0) fail("at least one argument is required");
  const found = args.find((each) => {
    return sequenceOf(each, "coalescelist arguments must be lists or tuples").length > 0;
  });
  return found ?? fail("no non-null arguments");
}

function concat(args: readonly Value[]): Value {
  if (args.length === 0) fail("at least one argument is required");
  const elements = args.flatMap((each, i) => {
    const { kind } = each.type;
    if (kind !== "list" && kind !== "tuple") {
      fail(`all arguments must be lists or tuples; got ${typeName(each.type)}`, i);
    }
    return elementsOf(each);
  });
  if (!args.every((each) => each.type.kind === "list")) return tuple(elements);
  const type = unify(
    args.map((each) => each.type),
    "safe",
  );
  if (type?.kind !== "list") return tuple(elements);
  return list(
    type.element,
    elements.map((each) => convertOrFail(each, type.element)),
  );
}

function convertOrFail(value: Value, type: Type): Value {
  const converted = convert(value, type);
  return converted.ok ? converted.value : fail(converted.message);
}

function element(value: Value, indexValue: Value): Value {
  const problem = `cannot read elements from ${typeName(value.type)}`;
  const elements = value.type.kind === "set" ? fail(problem) : sequenceOf(value, problem);
  const index = wholeOf(indexValue, null, "invalid index: ");
  const count = elements.length;
  if (count === 0) fail("cannot use element function with an empty list");
  return elements[((index % count) + count) % count] ?? fail("invalid index");
}

function flatten(elements: readonly Value[]): Value[] {
  return elements.flatMap((each) => {
    return !isNull(each) && isSequence(each) ? flatten(elementsOf(each)) : [each];
  });
}

function slice(value: Value, startValue: Value, endValue: Value): Value {
  if (value.type.kind === "set") {
    fail(
      "cannot slice a set, because its elements do not have indices; explicitly convert to a list if the ordering of the result is not important",
      0,
    );
  }
  const elements = sequenceOf(value, "must be a list or tuple value", 0);
  const start = wholeOf(startValue, 1, "invalid start index: ");
  const end = wholeOf(endValue, 2, "invalid end index: ");
  const tooFar = "index must not be greater than the length of the list";
  if (start < 0) fail("start index must not be less than zero", 1);
  if (start > elements.length) fail(`start ${tooFar}`, 1);
  if (end > elements.length) fail(`end ${tooFar}`, 2);
  if (start > end) fail("start index must not be greater than end index", 1);
  const kept = elements.slice(start, end);
  return value.type.kind === "tuple" ? tuple(kept) : { type: value.type, data: kept };
}

const RANGE_MAX = 1024;
const TOO_MANY = `more than ${RANGE_MAX} values were generated; either decrease the difference between start and end or use a smaller step`;

function range(args: readonly Value[]): Value {
  if (args.length < 1 || args.length > 3) {
    fail("must have one, two, or three arguments");
  }
  const given = args.map(numberOf);
  const zero = fromBigInt(0n);
  const [start, end] = given.length === 1 ? [zero, given[0]] : [given[0], given[1]];
  if (start === undefined || end === undefined)
    return fail("must have one, two, or three arguments");
  const ascending = compare(start, end) <= 0;
  const step = given[2] ?? fromBigInt(ascending ? 1n : -1n);
  if (isZero(step) && compare(start, end) !== 0) fail(TOO_MANY);
  const up = !step.negative;
  if (up !== ascending) {
    fail(
      up
        ? "end must be greater than start when step is positive"
        : "end must be less than start when step is negative",
      1,
    );
  }
  return list(NUMBER, countUp({ start, end, step, up }).map(number));
}

function countUp(range: {
  start: BigNumber;
  end: BigNumber;
  step: BigNumber;
  up: boolean;
}): BigNumber[] {
  const counted: BigNumber[] = [];
  for (let at = range.start; ; at = add(at, range.step)) {
    const order = compare(at, range.end);
    if (range.up ? order >= 0 : order <= 0) return counted;
    if (counted.length >= RANGE_MAX) {
      fail(TOO_MANY);
    }
    counted.push(at);
  }
}

function setFunctions(): Entry[] {
  const sets = [parameter("first_set", setOf(DYNAMIC))];
  const others = parameter("other_sets", setOf(DYNAMIC));
  return [
    defineVariadic("setintersection", sets, others, (args) => {
      const [first, ...rest] = unifyElements(args.map(elementsOf));
      if (first === undefined) return fail("at least one set is required");
      const kept = first.filter((each) => rest.every((other) => has(other, each)));
      return set(elementTypeOf(kept), kept);
    }),
    defineVariadic("setunion", sets, others, (args) => {
      const all = unifyElements(args.map(elementsOf)).flat();
      return set(elementTypeOf(all), all);
    }),
    defineVariadic("setproduct", [], any("sets"), setProduct),
  ];
}

function has(elements: readonly Value[], wanted: Value): boolean {
  return elements.some((each) => isEqual(each, wanted));
}

function elementTypeOf(elements: readonly Value[]): Type {
  return elements[0]?.type ?? DYNAMIC;
}

function unifyElements(lists: readonly (readonly Value[])[]): Value[][] {
  const types = lists.flatMap((elements) => elements.map((element) => element.type));
  const type = unify(types, "unsafe");
  if (type === null) return fail("given sets must all have compatible element types");
  return lists.map((elements) => elements.map((element) => convertOrFail(element, type)));
}

function setProduct(args: readonly Value[]): Value {
  if (args.length < 2) fail("at least two arguments are required");
  let products: Value[][] = [[]];
  for (const [i, each] of args.entries()) {
    const [elements = []] = unifyElements([sequenceOf(each, "a set or a list is required", i)]);
    products = products.flatMap((product) => elements.map((element) => [...product, element]));
  }
  const tuples = products.map(tuple);
  const someSet = args.some((each) => each.type.kind === "set");
  const type = tuples[0]?.type ?? tupleOf([]);
  return someSet ? set(type, tuples) : list(type, tuples);
}
