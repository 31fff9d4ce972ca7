/**
 * Frames inside a batch (RAFT.md §4.6): `u8 type | u8 version | u16 0 | u32 length | body`, padded
 * to 8 bytes. Bodies are fixed tables, because entries are the hot path; only the rare snapshot
 * mark, which holds a configuration, is msgpack.
 */
import { Packr } from "msgpackr";
import { assert } from "../core/assert.ts";
import type { Entry, HardState, MemberId, SnapshotMeta } from "../core/types.ts";
import { EntryKind } from "../core/types.ts";

export const FrameType = {
  hardState: 1,
  entry: 2,
  config: 3,
  truncateFrom: 4,
  snapshotMark: 5,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** A snapshot that is durable in the snapshot store. `reset`: the log restarts after it. */
export interface SnapshotMark {
  readonly meta: SnapshotMeta;
  readonly reset: boolean;
}

export type Frame =
  | { readonly type: "hardState"; readonly hardState: HardState }
  | { readonly type: "entry"; readonly entry: Entry }
  | { readonly type: "truncateFrom"; readonly index: number }
  | { readonly type: "snapshotMark"; readonly mark: SnapshotMark };

const FRAME_HEADER_BYTES = 8;
const FRAME_VERSION = 1;
const ENTRY_FIXED_BYTES = 24;
const TWO_POW_32 = 4_294_967_296;

const packr = new Packr({ useRecords: false });
const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder();

/** Bytes that are not a frame: a broken disk or a version from the future. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

/** Appends frames to one growing buffer. */
export class FrameWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;

  constructor(capacity = 4096) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  hardState(state: HardState): void {
    const vote = utf8.encode(state.vote);
    const at = this.#begin(FrameType.hardState, 16 + vote.length);
    putU64(this.#view, at, state.term);
    putU64(this.#view, at + 8, state.commit);
    this.#bytes.set(vote, at + 16);
  }

  entry(entry: Entry): void {
    const type = entry.kind === EntryKind.config ? FrameType.config : FrameType.entry;
    const at = this.#begin(type, ENTRY_FIXED_BYTES + entry.data.length);
    putU64(this.#view, at, entry.index);
    putU64(this.#view, at + 8, entry.term);
    this.#view.setUint32(at + 16, entry.kind, true);
    this.#bytes.set(entry.data, at + ENTRY_FIXED_BYTES);
  }

  truncateFrom(index: number): void {
    const at = this.#begin(FrameType.truncateFrom, 8);
    putU64(this.#view, at, index);
  }

  snapshotMark(mark: SnapshotMark): void {
    const body = packr.pack(mark);
    const at = this.#begin(FrameType.snapshotMark, body.length);
    this.#bytes.set(body, at);
  }

  /** The frames so far, in an ArrayBuffer of their own; the writer is used up. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /**
   * Writes the frame header and returns where the body goes; padding is already zero. It may move
   * the buffer, so it must be called before `#bytes` or `#view` is looked at.
   */
  #begin(type: FrameType, bodyBytes: number): number {
    const total = FRAME_HEADER_BYTES + padded(bodyBytes);
    this.#reserve(total);
    const at = this.#length;
    this.#view.setUint8(at, type);
    this.#view.setUint8(at + 1, FRAME_VERSION);
    this.#view.setUint32(at + 4, bodyBytes, true);
    this.#length += total;
    return at + FRAME_HEADER_BYTES;
  }

  #reserve(bytes: number): void {
    const need = this.#length + bytes;
    if (need <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(need, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** Frames of a whole batch; entry data is copied, so the input may be reused. */
export function* readFrames(bytes: Uint8Array): Generator<Frame> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at < bytes.length) {
    if (at + FRAME_HEADER_BYTES > bytes.length) throw new FrameError(`cut off at byte ${at}`);
    const version = view.getUint8(at + 1);
    if (version !== FRAME_VERSION) throw new FrameError(`frame version ${version} is not known`);
    const bodyBytes = view.getUint32(at + 4, true);
    const end = at + FRAME_HEADER_BYTES + bodyBytes;
    if (end > bytes.length) throw new FrameError(`frame at byte ${at} runs past its batch`);
    yield readFrame(view.getUint8(at), bytes.subarray(at + FRAME_HEADER_BYTES, end));
    at += FRAME_HEADER_BYTES + padded(bodyBytes);
  }
}

function readFrame(type: number, body: Uint8Array): Frame {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  switch (type) {
    case FrameType.hardState: {
      const vote = fromUtf8.decode(body.subarray(16)) as MemberId | "";
      const hardState = { term: getU64(view, 0), vote, commit: getU64(view, 8) };
      return { type: "hardState", hardState };
    }
    case FrameType.entry:
    case FrameType.config:
      return { type: "entry", entry: readEntry(view, body) };
    case FrameType.truncateFrom:
      return { type: "truncateFrom", index: getU64(view, 0) };
    case FrameType.snapshotMark:
      return { type: "snapshotMark", mark: packr.unpack(body) as SnapshotMark };
    default:
      throw new FrameError(`frame type ${type} is not known`);
  }
}

function readEntry(view: DataView, body: Uint8Array): Entry {
  return Object.freeze({
    index: getU64(view, 0),
    term: getU64(view, 8),
    kind: view.getUint32(16, true) as EntryKind,
    data: body.slice(ENTRY_FIXED_BYTES),
  });
}

function padded(bytes: number): number {
  return (bytes + 7) & ~7;
}

/** Indexes and terms are integers up to 2^53 − 1, stored as little-endian u64. */
export function putU64(view: DataView, at: number, value: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, () => `not an index or term: ${value}`);
  view.setUint32(at, value % TWO_POW_32, true);
  view.setUint32(at + 4, Math.floor(value / TWO_POW_32), true);
}

export function getU64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_POW_32;
}
