/** UUIDs of versions 4 (random) and 5 (from a name). */

export const NAMESPACES: Readonly<Record<string, string>> = {
  dns: "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
  url: "6ba7b811-9dad-11d1-80b4-00c04fd430c8",
  oid: "6ba7b812-9dad-11d1-80b4-00c04fd430c8",
  x500: "6ba7b814-9dad-11d1-80b4-00c04fd430c8",
};

/** The 16 bytes, or why it is none. */
export function parseUuid(given: string): Uint8Array | string {
  if (given.length !== 36) return `invalid UUID length: ${given.length}`;
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(given)) return "invalid UUID format";
  const digits = given.replaceAll("-", "");
  return Uint8Array.from({ length: 16 }, (_, i) =>
    Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );
}

export function formatUuid(bytes: Uint8Array): string {
  const digits = Array.from(bytes.slice(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );
  const cuts = [0, 8, 12, 16, 20, 32];
  return cuts
    .slice(1)
    .map((end, i) => digits.slice(cuts[i], end))
    .join("-");
}

export function uuidV4(random: Uint8Array): Uint8Array {
  return marked(random, 4);
}

/** `digest` is the SHA-1 of the name space's bytes and the name. */
export function uuidV5(digest: Uint8Array): Uint8Array {
  return marked(digest, 5);
}

function marked(given: Uint8Array, version: number): Uint8Array {
  const bytes = Uint8Array.from(given.slice(0, 16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | (version << 4);
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes;
}
