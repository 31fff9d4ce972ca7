/**
 * Reads msgpack as our messages use it (DESIGN §1), for what becomes of it: rows of the state that
 * stay for days. Words that come again (keys, statuses, ids) are one string instead of many, and
 * what has the same keys has the same hidden class, its values in the object itself. The library's
 * reader leaves slices that keep a whole stretch of the message alive, and objects that are hash
 * tables: twice the memory.
 */

/** What the library writes and this does not read; the caller asks the library. */
export const UNREAD: unique symbol = Symbol("unread");

/** Longer texts seldom come again. A UUID has 36 bytes. */
const WORD_BYTES_MAX = 48;
/** Power of two; a word takes the place of another one. */
const WORDS = 8_192;
const words: string[] = new Array(WORDS).fill("");

/** A map with more keys is read key by key. */
const SHAPE_KEYS_MAX = 64;
/** A row of keys that came less often is hardly one of a schema. */
const SHAPE_SEEN_MIN = 16;
/** Of all rows of keys, those of names that users chose included. */
const SHAPES_MAX = 4_096;

type Build = (values: readonly unknown[], from: number) => Readonly<Record<string, unknown>>;

/** The keys from the root to here; `build` makes an object that has them. */
interface Shape {
  readonly key: string;
  readonly parent: Shape | null;
  /** The one that was asked for last, which mostly is the only one. */
  last: Shape | null;
  readonly next: Map<string, Shape>;
  seen: number;
  build: Build | null;
}

const root = shapeOf("", null);
let shapes = 0;

let bytes: Buffer = Buffer.alloc(0);
let at = 0;
let end = 0;
/** Values of the maps that are being read, the innermost last. */
const values: unknown[] = [];
let depth = 0;

class Unread extends Error {}

/** The value, or `UNREAD`: the message is damaged, or has something in it that we do not write. */
export function readMessage(message: Uint8Array): unknown {
  bytes = Buffer.isBuffer(message)
    ? message
    : Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  at = 0;
  end = message.length;
  depth = 0;
  try {
    const value = read();
    return at === end ? value : UNREAD;
  } catch (error) {
    // A cut number; a nesting that nobody means.
    if (error instanceof Unread || error instanceof RangeError) return UNREAD;
    throw error;
  } finally {
    bytes = Buffer.alloc(0);
    // What was read must not live on here.
    values.length = 0;
  }
}

function read(): unknown {
  const type = at < end ? (bytes[at++] as number) : 0xc1;
  if (type < 0x80) return type;
  if (type < 0x90) return readMap(type & 0x0f);
  if (type < 0xa0) return readArray(type & 0x0f);
  if (type < 0xc0) return readText(type & 0x1f);
  if (type >= 0xe0) return type - 0x100;
  switch (type) {
    case 0xc0:
      return null;
    case 0xc2:
      return false;
    case 0xc3:
      return true;
    case 0xca:
      return bytes.readFloatBE(advance(4));
    case 0xcb:
      return bytes.readDoubleBE(advance(8));
    case 0xd4:
      return readUndefined();
    case 0xdc:
      return readArray(bytes.readUInt16BE(advance(2)));
    case 0xdd:
      return readArray(bytes.readUInt32BE(advance(4)));
    case 0xde:
      return readMap(bytes.readUInt16BE(advance(2)));
    case 0xdf:
      return readMap(bytes.readUInt32BE(advance(4)));
    default:
      return type < 0xc7 ? readBytes(type) : readSized(type);
  }
}

function readSized(type: number): unknown {
  switch (type) {
    case 0xcc:
      return bytes.readUInt8(advance(1));
    case 0xcd:
      return bytes.readUInt16BE(advance(2));
    case 0xce:
      return bytes.readUInt32BE(advance(4));
    case 0xcf:
      return Number(bytes.readBigUInt64BE(advance(8)));
    case 0xd0:
      return bytes.readInt8(advance(1));
    case 0xd1:
      return bytes.readInt16BE(advance(2));
    case 0xd2:
      return bytes.readInt32BE(advance(4));
    case 0xd3:
      return Number(bytes.readBigInt64BE(advance(8)));
    case 0xd9:
      return readText(bytes.readUInt8(advance(1)));
    case 0xda:
      return readText(bytes.readUInt16BE(advance(2)));
    case 0xdb:
      return readText(bytes.readUInt32BE(advance(4)));
    default:
      throw new Unread();
  }
}

function readBytes(type: number): Uint8Array {
  switch (type) {
    case 0xc4:
      return bytesOf(bytes.readUInt8(advance(1)));
    case 0xc5:
      return bytesOf(bytes.readUInt16BE(advance(2)));
    case 0xc6:
      return bytesOf(bytes.readUInt32BE(advance(4)));
    default:
      throw new Unread();
  }
}

function bytesOf(length: number): Uint8Array {
  const from = advance(length);
  return bytes.subarray(from, at);
}

/** An extension of one byte, both its type and its value 0. */
function readUndefined(): undefined {
  const from = advance(2);
  if (bytes[from] !== 0 || bytes[from + 1] !== 0) throw new Unread();
  return undefined;
}

/** Where the next `length` bytes begin. */
function advance(length: number): number {
  const from = at;
  if (length > end - from) throw new Unread();
  at = from + length;
  return from;
}

function readArray(length: number): unknown[] {
  // Each value takes at least a byte.
  if (length > end - at) throw new Unread();
  const array: unknown[] = new Array(length);
  for (let i = 0; i < length; i++) array[i] = read();
  return array;
}

function readText(length: number): string {
  if (length > WORD_BYTES_MAX) {
    const from = advance(length);
    return bytes.toString("utf8", from, at);
  }
  return readWord(length);
}

function readWord(length: number): string {
  const from = advance(length);
  const to = at;
  let hash = length;
  let isAscii = true;
  for (let i = from; i < to; i++) {
    const byte = bytes[i] as number;
    hash = Math.imul(hash ^ byte, 0x01000193);
    if (byte >= 0x80) isAscii = false;
  }
  if (!isAscii) return bytes.toString("utf8", from, to);
  const slot = (hash ^ (hash >>> 15)) & (WORDS - 1);
  const known = words[slot] as string;
  if (known.length === length && isSame(known, from)) return known;
  const word = bytes.toString("latin1", from, to);
  words[slot] = word;
  return word;
}

function isSame(word: string, from: number): boolean {
  for (let i = 0; i < word.length; i++) {
    if (word.charCodeAt(i) !== bytes[from + i]) return false;
  }
  return true;
}

function readMap(length: number): Readonly<Record<string, unknown>> {
  if (length > (end - at) / 2) throw new Unread();
  if (length > SHAPE_KEYS_MAX) return readLargeMap(length);
  const first = depth;
  let shape = root;
  for (let i = 0; i < length; i++) {
    shape = step(shape, readKey());
    // Its place is taken before what is below it takes more.
    depth++;
    values[depth - 1] = read();
  }
  depth = first;
  const build = shape.build ?? buildFor(shape);
  if (build !== null) return build(values, first);
  const object: Record<string, unknown> = {};
  for (let i = length - 1, up = shape; i >= 0; i--, up = up.parent as Shape) keys[i] = up.key;
  for (let i = 0; i < length; i++) object[keys[i] as string] = values[first + i];
  return object;
}

const keys: string[] = [];

function readLargeMap(length: number): Readonly<Record<string, unknown>> {
  const object: Record<string, unknown> = {};
  for (let i = 0; i < length; i++) {
    const key = readKey();
    object[key] = read();
  }
  return object;
}

function readKey(): string {
  const key = read();
  // What is no name, and the name that is none, the library knows how to take.
  if (typeof key !== "string" || key === "__proto__") throw new Unread();
  return key;
}

function step(shape: Shape, key: string): Shape {
  const last = shape.last;
  if (last !== null && last.key === key) return last;
  let next = shape.next.get(key);
  if (next === undefined) {
    next = shapeOf(key, shape);
    // Beyond the limit it is forgotten at once.
    if (shapes < SHAPES_MAX) {
      shapes++;
      shape.next.set(key, next);
    }
  }
  shape.last = next;
  return next;
}

function shapeOf(key: string, parent: Shape | null): Shape {
  return { key, parent, last: null, next: new Map(), seen: 0, build: null };
}

/** An object that is written down with all its keys has all its values in itself. */
function buildFor(shape: Shape): Build | null {
  shape.seen++;
  if (shape.seen < SHAPE_SEEN_MIN) return null;
  const names: string[] = [];
  for (let up = shape; up.parent !== null; up = up.parent) names.unshift(up.key);
  const fields = names.map((name, i) => `${JSON.stringify(name)}: values[from + ${i}]`);
  shape.build = new Function("values", "from", `return {${fields.join(", ")}};`) as Build;
  return shape.build;
}
