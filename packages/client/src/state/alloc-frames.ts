/** The bytes of the journal of allocations; see alloc-journal.ts. Pure. */
import { crc32 } from "node:zlib";
import type { AllocRecord } from "./alloc-record.ts";

const MAGIC = 0x44_52_41_4c;
const MAGIC_BYTES = Buffer.from([0x44, 0x52, 0x41, 0x4c]);
const HEADER_BYTES = 12;

export interface Frame {
  readonly serial: number;
  readonly id: string;
  /** null: removed. */
  readonly record: AllocRecord | null;
  readonly bytes: Buffer;
}

/** Where a frame is in the file. */
export interface Held {
  readonly offset: number;
  readonly length: number;
}

export function frameOf(entry: Omit<Frame, "bytes">): Frame {
  const { serial, id, record } = entry;
  const head = JSON.stringify({ serial, id }).slice(0, -1);
  const body = Buffer.from(`${head},"record":${recordText(record)}}`);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(MAGIC, 0);
  header.writeUInt32BE(body.length, 4);
  header.writeUInt32BE(crc32(body), 8);
  return { serial, id, record, bytes: Buffer.concat([header, body]) };
}

/** A record is written several times, with the same job and mostly the same allocation. */
function recordText(record: AllocRecord | null): string {
  if (record === null) return "null";
  const { alloc, job, ...rest } = record;
  return `{"alloc":${textOf(alloc)},"job":${textOf(job)},${JSON.stringify(rest).slice(1)}`;
}

const texts = new WeakMap<object, string>();

/** Nobody changes what is in a record: it is replaced. */
function textOf(part: AllocRecord["alloc"] | AllocRecord["job"]): string {
  const known = texts.get(part);
  if (known !== undefined) return known;
  const text = JSON.stringify(part);
  texts.set(part, text);
  return text;
}

/**
 * The newest frame of each id. A torn end is what an interrupted write leaves and was acknowledged
 * to nobody; `isDamaged` says that good frames follow a bad one, so that something may be missing.
 */
export function readFrames(bytes: Buffer): { frames: Frame[]; isDamaged: boolean } {
  const newest = new Map<string, Frame>();
  let isDamaged = false;
  let isBroken = false;
  let offset = 0;
  while (offset >= 0 && offset < bytes.length) {
    const frame = readFrame(bytes, offset);
    if (frame === null) {
      isBroken = true;
      offset = bytes.indexOf(MAGIC_BYTES, offset + 1);
      continue;
    }
    isDamaged ||= isBroken;
    const known = newest.get(frame.id);
    if (known === undefined || known.serial < frame.serial) newest.set(frame.id, frame);
    offset += frame.bytes.length;
  }
  return { frames: [...newest.values()], isDamaged };
}

function readFrame(bytes: Buffer, offset: number): Frame | null {
  if (offset + HEADER_BYTES > bytes.length || bytes.readUInt32BE(offset) !== MAGIC) return null;
  const start = offset + HEADER_BYTES;
  const end = start + bytes.readUInt32BE(offset + 4);
  if (end > bytes.length) return null;
  const body = bytes.subarray(start, end);
  if (crc32(body) !== bytes.readUInt32BE(offset + 8)) return null;
  const { serial, id, record } = JSON.parse(body.toString()) as Omit<Frame, "bytes">;
  return { serial, id, record, bytes: bytes.subarray(offset, end) };
}
