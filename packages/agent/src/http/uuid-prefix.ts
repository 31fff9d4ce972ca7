/** Prefix look-ups of objects that are named by UUID (spec chapter 8 §8.1). */
import { internal } from "@drover/api";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whole bytes of hexadecimal; the rest is refused in words that clients print (spec §8.1). */
export function checkUuidPrefix(kind: string, prefix: string): string {
  const hex = prefix.replaceAll("-", "");
  const context = kind === "" ? "index error" : `${kind} lookup failed: index error`;
  if (hex.length % 2 === 1) {
    throw internal(`${context}: Input (without hyphens) must be even length`);
  }
  const bad = /[^0-9a-f]/i.exec(hex);
  if (bad) {
    const code = bad[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
    throw internal(`${context}: Invalid UUID: encoding/hex: invalid byte: U+${code} '${bad[0]}'`);
  }
  return prefix.toLowerCase();
}

export function checkUuid(kind: string, id: string): string {
  if (!UUID.test(id)) {
    throw internal(`${kind} lookup failed: index error: UUID must be 36 characters`);
  }
  return id.toLowerCase();
}
