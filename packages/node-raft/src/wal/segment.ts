/**
 * One log file: a 256-byte header, then batches (RAFT.md §4.6).
 *
 *   header: magic | version | segId | firstIndex | prevCrc | clusterId | memberId | crc
 *   batch:  u32 length | u32 crc | u32 prevCrc | u32 segTag | u32 seq | u32 magic | frames
 *
 * One batch is one write and one sync. `crc` is chained over the batch before it, also across
 * files, so bytes left over from an earlier life of the file never pass for new ones. `prevCrc`,
 * `segTag` and `seq` are repeated in the clear so that a scan can tell, behind a broken batch,
 * whether valid ones follow (corruption) or not (a torn last write).
 */
import { crc32 } from "node:zlib";
import { assert } from "../core/assert.ts";
import { getU64, putU64 } from "./frame.ts";

export const SEGMENT_HEADER_BYTES = 256;
const BATCH_HEADER_BYTES = 24;
const BATCH_BYTES_MAX = 512 * 1024 * 1024;
const SEGMENT_MAGIC = "NRAFTWAL";
const BATCH_MAGIC = 0x48_43_54_42;
const SEGMENT_VERSION = 1;
const ID_BYTES_MAX = 64;
const CRC_AT = SEGMENT_HEADER_BYTES - 4;

export interface SegmentHeader {
  readonly segId: number;
  /** Index of the first entry that may be in this file. */
  readonly firstIndex: number;
  /** Checksum of the last batch of the file before; 0 in the first file. */
  readonly prevCrc: number;
  readonly clusterId: string;
  readonly memberId: string;
}

/** Position of the next batch and what it must chain to. */
export interface Tail {
  readonly position: number;
  readonly prevCrc: number;
  readonly seq: number;
}

export function segmentName(firstIndex: number, segId: number): string {
  return `${String(firstIndex).padStart(20, "0")}-${String(segId).padStart(16, "0")}.wal`;
}

/** null when the name is not a segment's. */
export function parseSegmentName(name: string): { firstIndex: number; segId: number } | null {
  const match = /^(\d{20})-(\d{16})\.wal$/.exec(name);
  if (match === null) return null;
  return { firstIndex: Number(match[1]), segId: Number(match[2]) };
}

export function encodeHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(SEGMENT_MAGIC), 0);
  view.setUint32(8, SEGMENT_VERSION, true);
  view.setUint32(12, header.prevCrc, true);
  putU64(view, 16, header.segId);
  putU64(view, 24, header.firstIndex);
  putId(bytes, 32, header.clusterId);
  putId(bytes, 32 + 1 + ID_BYTES_MAX, header.memberId);
  view.setUint32(CRC_AT, crc32(bytes.subarray(0, CRC_AT)), true);
  return bytes;
}

/** null when the bytes are not a header of this format. */
export function decodeHeader(bytes: Uint8Array): SegmentHeader | null {
  if (bytes.length < SEGMENT_HEADER_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, SEGMENT_HEADER_BYTES);
  if (view.getUint32(CRC_AT, true) !== crc32(bytes.subarray(0, CRC_AT))) return null;
  if (new TextDecoder().decode(bytes.subarray(0, 8)) !== SEGMENT_MAGIC) return null;
  if (view.getUint32(8, true) !== SEGMENT_VERSION) return null;
  return {
    prevCrc: view.getUint32(12, true),
    segId: getU64(view, 16),
    firstIndex: getU64(view, 24),
    clusterId: getId(bytes, 32),
    memberId: getId(bytes, 32 + 1 + ID_BYTES_MAX),
  };
}

function putId(bytes: Uint8Array, at: number, id: string): void {
  const encoded = new TextEncoder().encode(id);
  assert(encoded.length <= ID_BYTES_MAX, () => `id longer than ${ID_BYTES_MAX} bytes: ${id}`);
  bytes[at] = encoded.length;
  bytes.set(encoded, at + 1);
}

function getId(bytes: Uint8Array, at: number): string {
  return new TextDecoder().decode(bytes.subarray(at + 1, at + 1 + (bytes[at] ?? 0)));
}

/** The bytes of one batch and its checksum; `frames` are copied. */
export function encodeBatch(
  frames: readonly Uint8Array[],
  segId: number,
  tail: Tail,
): { bytes: Uint8Array; crc: number } {
  const length = frames.reduce((sum, part) => sum + part.length, 0);
  assert(length % 8 === 0, () => "frames are padded to 8 bytes");
  assert(length > 0 && length <= BATCH_BYTES_MAX, () => `batch of ${length} bytes`);
  const bytes = new Uint8Array(BATCH_HEADER_BYTES + length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length, true);
  view.setUint32(8, tail.prevCrc, true);
  view.setUint32(12, segId >>> 0, true);
  view.setUint32(16, tail.seq, true);
  view.setUint32(20, BATCH_MAGIC, true);
  let at = BATCH_HEADER_BYTES;
  for (const part of frames) {
    bytes.set(part, at);
    at += part.length;
  }
  const crc = batchCrc(bytes);
  view.setUint32(4, crc, true);
  return { bytes, crc };
}

/** Over everything but itself; `prevCrc` is among it, which is what chains the batches. */
function batchCrc(batch: Uint8Array): number {
  return crc32(batch.subarray(8), crc32(batch.subarray(0, 4)));
}

interface Batch {
  readonly crc: number;
  readonly prevCrc: number;
  readonly seq: number;
  readonly end: number;
  readonly frames: Uint8Array;
}

/** The batch at `at` when it is whole and belongs to this segment, whatever it chains to. */
function batchAt(bytes: Uint8Array, at: number, segId: number): Batch | null {
  if (at + BATCH_HEADER_BYTES >= bytes.length) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, BATCH_HEADER_BYTES);
  const length = view.getUint32(0, true);
  const end = at + BATCH_HEADER_BYTES + length;
  if (length === 0 || length % 8 !== 0 || end > bytes.length) return null;
  if (view.getUint32(20, true) !== BATCH_MAGIC) return null;
  if (view.getUint32(12, true) !== segId >>> 0) return null;
  const crc = view.getUint32(4, true);
  if (batchCrc(bytes.subarray(at, end)) !== crc) return null;
  const frames = bytes.subarray(at + BATCH_HEADER_BYTES, end);
  return { crc, prevCrc: view.getUint32(8, true), seq: view.getUint32(16, true), end, frames };
}

export type Scan =
  | { readonly kind: "end"; readonly tail: Tail; readonly tornBytes: number }
  /** A batch that does not check, with valid ones behind it at `validAt`. */
  | { readonly kind: "corrupt"; readonly at: number; readonly validAt: number };

/** Hands each valid batch's frames to `visit`, in order, and says how the file ends. */
export function scanBatches(
  bytes: Uint8Array,
  header: SegmentHeader,
  visit: (frames: Uint8Array, at: number) => void,
): Scan {
  let tail: Tail = { position: SEGMENT_HEADER_BYTES, prevCrc: header.prevCrc, seq: 0 };
  for (;;) {
    const batch = batchAt(bytes, tail.position, header.segId);
    if (batch === null || batch.prevCrc !== tail.prevCrc || batch.seq !== tail.seq) break;
    visit(batch.frames, tail.position);
    tail = { position: batch.end, prevCrc: batch.crc, seq: tail.seq + 1 };
  }
  const tornBytes = nonZeroBytes(bytes, tail.position);
  if (tornBytes === 0) return { kind: "end", tail, tornBytes };
  const validAt = findValidAfter(bytes, tail, header.segId);
  if (validAt !== null) return { kind: "corrupt", at: tail.position, validAt };
  return { kind: "end", tail, tornBytes };
}

/** Bytes from `from` to the last one that is not zero. */
function nonZeroBytes(bytes: Uint8Array, from: number): number {
  let end = bytes.length;
  while (end > from && bytes[end - 1] === 0) end -= 1;
  return end - from;
}

/**
 * A torn write is the last thing in the file, so a later whole batch of this life of the segment
 * (a sequence number beyond the broken one's) means that durable bytes were damaged.
 */
function findValidAfter(bytes: Uint8Array, tail: Tail, segId: number): number | null {
  for (let at = tail.position + 8; at + BATCH_HEADER_BYTES < bytes.length; at += 8) {
    const batch = batchAt(bytes, at, segId);
    if (batch !== null && batch.seq > tail.seq) return at;
  }
  return null;
}
