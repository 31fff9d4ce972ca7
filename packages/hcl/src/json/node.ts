/** What a JSON file holds, with places. */
import type { Range } from "../source.ts";
import type { BigNumber } from "../values/number.ts";

export interface JsonMember {
  readonly name: string;
  readonly nameRange: Range;
  readonly value: JsonNode;
}

export type JsonNode =
  | {
      readonly kind: "object";
      readonly members: readonly JsonMember[];
      readonly openRange: Range;
      readonly closeRange: Range;
      readonly range: Range;
    }
  | {
      readonly kind: "array";
      readonly items: readonly JsonNode[];
      readonly openRange: Range;
      readonly range: Range;
    }
  | { readonly kind: "string"; readonly text: string; readonly range: Range }
  | { readonly kind: "number"; readonly value: BigNumber; readonly range: Range }
  | { readonly kind: "bool"; readonly value: boolean; readonly range: Range }
  | { readonly kind: "null"; readonly range: Range }
  /** Something that could not be read; its problem has been told. */
  | { readonly kind: "invalid"; readonly range: Range };

/** Where a value begins to say something. */
export function nodeStart(node: JsonNode): Range {
  return node.kind === "object" || node.kind === "array" ? node.openRange : node.range;
}
