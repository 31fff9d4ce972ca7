/**
 * Reads a block into a request record. Most records are read as their fields are declared; those
 * that a job file writes in another way have a reader of their own in `special.ts`.
 */
import { type Attribute, type Block, type Body, formatRange } from "@drover/hcl";
import { encodeInput, type InferInput } from "@drover/model";
import { opaqueRecord } from "../opaque/records.ts";
import { type DecodeContext, report } from "./context.ts";
import { decodeJsonBody, decodeMapBody } from "./free-form.ts";
import { decodeAttribute, decodeCount, type IntegerRange } from "./scalar.ts";
import {
  type AnyRecord,
  type Bag,
  blankRecord,
  type FieldShape,
  recordOf,
  shapeOf,
} from "./shape.ts";

/** Reads the body of a block of one kind of record. */
export type RecordReader = (body: Body, cx: DecodeContext, read: RecordDecoder) => Bag;

export class RecordDecoder {
  readonly #cx: DecodeContext;
  readonly #special: ReadonlyMap<string, RecordReader>;

  /** `special` has the readers by name of record. */
  constructor(cx: DecodeContext, special: ReadonlyMap<string, RecordReader>) {
    this.#cx = cx;
    this.#special = special;
  }

  /** A block's body, read in the way that its record asks for. */
  body(record: AnyRecord, body: Body): Bag {
    const reader = this.#special.get(record.name);
    return reader === undefined ? this.fields(record, body) : reader(body, this.#cx, this);
  }

  /** A block with its label. */
  block(record: AnyRecord, block: Block): Bag {
    const result = this.body(record, block.body);
    const { labelKey } = shapeOf(record);
    if (labelKey !== null) result[labelKey] = block.labels[0] ?? "";
    return result;
  }

  /** The fields as they are declared. */
  fields(record: AnyRecord, body: Body): Bag {
    const shape = shapeOf(record);
    const content = body.content(shape.schema, this.#cx.diagnostics);
    const result = blankRecord(record);
    for (const field of shape.attributes) {
      const attribute = content.attributes.get(field.name);
      if (attribute === undefined) continue;
      const { key, value } = this.#attribute(record, field, attribute);
      if (value !== undefined) result[key] = value;
    }
    for (const field of shape.blocks) {
      const blocks = content.blocks.filter((block) => block.type === field.name);
      if (blocks.length > 0) this.#store(record, field, blocks, result);
    }
    return result;
  }

  #attribute(
    record: AnyRecord,
    shape: FieldShape,
    attribute: Attribute,
  ): { readonly key: string; readonly value: unknown } {
    const { field, key } = shape;
    if (field.options.percent !== undefined) return decodeCount(attribute, shape, this.#cx);
    return { key, value: decodeAttribute(attribute, field, this.#cx, integerRange(record, shape)) };
  }

  #store(record: AnyRecord, shape: FieldShape, blocks: readonly Block[], result: Bag): void {
    if (shape.field.kind !== "json") {
      result[shape.key] = this.#blocks(shape, blocks);
      return;
    }
    const first = this.#only(shape.name, blocks);
    const opaque = opaqueRecord(record, shape.key);
    const bag = opaque === undefined ? null : this.block(opaque, first);
    this.#cx.deferred.push(() => {
      result[shape.key] =
        opaque === undefined || bag === null
          ? decodeJsonBody(first.body, this.#cx)
          : encodeInput(opaque, bag as InferInput<AnyRecord>);
    });
  }

  #blocks({ field, name }: FieldShape, blocks: readonly Block[]): unknown {
    const record = recordOf(field);
    if (record !== undefined && field.kind === "list") {
      return blocks.map((block) => this.block(record, block));
    }
    if (record !== undefined && field.kind === "map") {
      return Object.fromEntries(
        blocks.map((block) => [block.labels[0] ?? "", this.block(record, block)]),
      );
    }
    const first = this.#only(name, blocks);
    if (record !== undefined) return this.block(record, first);
    return decodeMapBody(first.body, field.element ?? field, this.#cx);
  }

  #only(name: string, blocks: readonly Block[]): Block {
    const [first, second] = blocks;
    if (first === undefined) throw new RangeError("a field is read only when it has a block");
    if (second !== undefined) {
      report(
        this.#cx,
        second.headerRange,
        `Duplicate ${name} block`,
        `Only one ${name} block is allowed. Another was defined at ${formatRange(first.headerRange)}.`,
      );
    }
    return first;
  }
}

function integerRange(record: AnyRecord, field: FieldShape): IntegerRange {
  if (record.name === "Spread" && field.key === "weight") return "int8";
  return record.name === "SpreadTarget" && field.key === "percent" ? "uint8" : "int64";
}
