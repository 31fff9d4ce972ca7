/** msgpack as node-to-node traffic uses it: plain objects, no records or extensions (DESIGN §1). */
import { Packr } from "msgpackr";
import { readMessage, UNREAD } from "./read-message.ts";

const packr = new Packr({ useRecords: false, moreTypes: false, int64AsType: "number" });

/** The encoder's buffer grows to the largest message; after one like that it begins anew. */
const LARGE_BYTES = 256 << 10;

/** A part of the encoder's buffer, which other messages share: keep a copy of it. */
export function encodeMessage(value: unknown): Uint8Array {
  const bytes = packr.pack(value);
  if (bytes.length > LARGE_BYTES) packr.useBuffer(Buffer.allocUnsafeSlow(8_192));
  return bytes;
}

/** Bytes in the value are views of those given; throws at what is no message (ADR 0008). */
export function decodeMessage(bytes: Uint8Array): unknown {
  const value = readMessage(bytes);
  return value === UNREAD ? packr.unpack(bytes) : value;
}
