/** msgpack as node-to-node traffic uses it: plain objects, no records or extensions (DESIGN §1). */
import { Packr } from "msgpackr";
import { readMessage, UNREAD } from "./read-message.ts";

const packr = new Packr({ useRecords: false, moreTypes: false, int64AsType: "number" });

export function encodeMessage(value: unknown): Uint8Array {
  return packr.pack(value);
}

/** Bytes in the value are views of those given; throws at what is no message (ADR 0008). */
export function decodeMessage(bytes: Uint8Array): unknown {
  const value = readMessage(bytes);
  return value === UNREAD ? packr.unpack(bytes) : value;
}
