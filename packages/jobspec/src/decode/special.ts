/** Records that a job file writes in another way than their fields are declared. */
import {
  type Attribute,
  BOOL,
  type Body,
  boolOf,
  convert,
  evaluateAttribute,
  isKnown,
  isNull,
  NUMBER,
  numberOf,
  STRING,
  stringOf,
  type Type,
  truncate,
} from "@drover/hcl";
import { networkSchema, periodicSchema, portSchema } from "@drover/model";
import { type DecodeContext, report } from "./context.ts";
import { decodeGroup, decodeTask } from "./group.ts";
import type { RecordReader } from "./record.ts";
import type { AnyRecord, Bag } from "./shape.ts";

/** Written as `version = "…"` instead of `operator = "version"` and `value = "…"`. */
const CONSTRAINT_SUGAR = ["version", "semver", "regexp", "set_contains"];
/** Accepted in a constraint, and without effect there. */
const CONSTRAINT_IGNORED = ["set_contains_any", "set_contains_all", "is_set", "is_not_set"];
const AFFINITY_SUGAR = [...CONSTRAINT_SUGAR, "set_contains_any", "set_contains_all"];
const BASE = ["attribute", "operator", "value"];

export function specialReaders(): ReadonlyMap<string, RecordReader> {
  return new Map<string, RecordReader>([
    ["Constraint", decodeConstraint],
    ["Affinity", decodeAffinity],
    ["Network", decodeNetwork],
    ["Periodic", decodePeriodic],
    ["Task", decodeTask],
    ["TaskGroup", decodeGroup],
  ]);
}

function attributesOf(
  body: Body,
  names: readonly string[],
  cx: DecodeContext,
): ReadonlyMap<string, Attribute> {
  const attributes = [...names].sort().map((name) => ({ name }));
  return body.content({ attributes, blocks: [] }, cx.diagnostics).attributes;
}

/** Null when the argument is not written, or is null, or is of another type (then reported). */
function readAs(attribute: Attribute | undefined, type: Type, cx: DecodeContext) {
  if (attribute === undefined) return null;
  const converted = convert(evaluateAttribute(attribute, cx.diagnostics), type);
  if (converted.ok) {
    return isNull(converted.value) || !isKnown(converted.value) ? null : converted.value;
  }
  report(
    cx,
    attribute.expression.range,
    "Incorrect attribute value type",
    `Inappropriate value for attribute "${attribute.name}": ${converted.message}.`,
  );
  return null;
}

function readTexts(
  attributes: ReadonlyMap<string, Attribute>,
  names: readonly string[],
  cx: DecodeContext,
): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const name of names) {
    const value = readAs(attributes.get(name), STRING, cx);
    texts[name] = value === null ? "" : stringOf(value);
  }
  return texts;
}

function applySugar(texts: Record<string, string>, sugar: readonly string[]): Bag {
  let operand = texts.operator ?? "";
  let rTarget = texts.value ?? "";
  for (const name of sugar) {
    const text = texts[name] ?? "";
    if (text === "") continue;
    operand = name;
    rTarget = text;
  }
  return { lTarget: texts.attribute ?? "", rTarget, operand };
}

function decodeConstraint(body: Body, cx: DecodeContext): Bag {
  const names = [...BASE, ...CONSTRAINT_SUGAR, ...CONSTRAINT_IGNORED, "distinct_property"];
  const attributes = attributesOf(body, [...names, "distinct_hosts"], cx);
  const texts = readTexts(attributes, names, cx);
  const result = applySugar(texts, CONSTRAINT_SUGAR);
  const distinctHosts = readAs(attributes.get("distinct_hosts"), BOOL, cx);
  if (distinctHosts !== null) {
    result.operand = "distinct_hosts";
    result.rTarget = String(boolOf(distinctHosts));
  }
  const property = texts.distinct_property ?? "";
  if (property !== "") {
    result.operand = "distinct_property";
    result.lTarget = property;
  }
  if (result.operand === "") result.operand = "=";
  return result;
}

function decodeAffinity(body: Body, cx: DecodeContext): Bag {
  const names = [...BASE, ...AFFINITY_SUGAR];
  const attributes = attributesOf(body, [...names, "weight"], cx);
  const texts = readTexts(attributes, names, cx);
  const result = applySugar(texts, AFFINITY_SUGAR);
  if (result.operand === "") result.operand = "=";
  const weight = readAs(attributes.get("weight"), NUMBER, cx);
  // The weight has 8 bits: what is beyond them is lost without a word (spec §1.16).
  result.weight = weight === null ? null : Number(BigInt.asIntN(8, truncate(numberOf(weight))));
  return result;
}

/** Ports with a number are reserved, the others dynamic. */
function decodeNetwork(body: Body, cx: DecodeContext, read: Parameters<RecordReader>[2]): Bag {
  const ports = { type: "port", labels: [""] };
  const { content, rest } = body.partialContent(
    { attributes: [], blocks: [ports] },
    cx.diagnostics,
  );
  const network = read.fields(networkSchema as AnyRecord, rest);
  const decoded = content.blocks.map((block) => read.block(portSchema as AnyRecord, block));
  const isReserved = (port: Bag) => Number(port.value ?? 0) > 0;
  const reserved = decoded.filter(isReserved);
  const dynamic = decoded.filter((port) => !isReserved(port));
  network.reservedPorts = reserved.length === 0 ? null : reserved;
  network.dynamicPorts = dynamic.length === 0 ? null : dynamic;
  return network;
}

/** The kind of schedule is filled in only where there is a schedule. */
function decodePeriodic(body: Body, _cx: DecodeContext, read: Parameters<RecordReader>[2]): Bag {
  const periodic = read.fields(periodicSchema as AnyRecord, body);
  if (periodic.spec === null && periodic.specs === null) periodic.specType = null;
  return periodic;
}
