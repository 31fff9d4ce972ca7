/** msgpack as node-to-node traffic uses it: plain objects, no records or extensions (DESIGN §1). */
import { Packr } from "msgpackr";

const packr = new Packr({ useRecords: false, moreTypes: false, int64AsType: "number" });

export function encodeMessage(value: unknown): Uint8Array {
  return packr.pack(value);
}

export function decodeMessage(bytes: Uint8Array): unknown {
  return packr.unpack(bytes);
}
