/**
 * A snapshot file (RAFT.md §4.6):
 *
 *   header: magic | u32 version | u32 meta length | u32 meta crc | u32 0 | meta (msgpack)
 *   chunk:  u32 length | u32 crc, chained over the chunk before | bytes      (as many as it takes)
 *   footer: u32 0 | u32 crc, chained | u64 bytes | u64 chunks
 *
 * A file without a footer that checks is not a snapshot.
 */
import { crc32 } from "node:zlib";
import { Packr } from "msgpackr";
import type { SnapshotMeta } from "../core/types.ts";
import { getU64, putU64 } from "./frame.ts";
import { corrupt } from "./recover.ts";
import type { VfsFile } from "./vfs.ts";

const MAGIC = "NRAFTSNP";
const VERSION = 1;
const HEADER_BYTES = 24;
const CHUNK_HEADER_BYTES = 8;
const FOOTER_BYTES = 24;
const CHUNK_BYTES_MAX = 64 * 1024 * 1024;
/** A long sync of a large file would hold up the log, which shares the thread and the disk. */
const SYNC_EVERY_BYTES = 1024 * 1024;

const packr = new Packr({ useRecords: false });

export class SnapshotFileWriter {
  readonly #file: VfsFile;
  #position = 0;
  #synced = 0;
  #crc: number;
  #bytes = 0;
  #chunks = 0;

  constructor(file: VfsFile, meta: SnapshotMeta) {
    this.#file = file;
    const body = packr.pack(meta);
    this.#crc = crc32(body);
    const header = new Uint8Array(HEADER_BYTES + body.length);
    const view = new DataView(header.buffer);
    header.set(new TextEncoder().encode(MAGIC), 0);
    view.setUint32(8, VERSION, true);
    view.setUint32(12, body.length, true);
    view.setUint32(16, this.#crc, true);
    header.set(body, HEADER_BYTES);
    this.#put(header);
  }

  write(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    const framed = new Uint8Array(CHUNK_HEADER_BYTES + chunk.length);
    const view = new DataView(framed.buffer);
    this.#crc = crc32(chunk, this.#crc);
    view.setUint32(0, chunk.length, true);
    view.setUint32(4, this.#crc, true);
    framed.set(chunk, CHUNK_HEADER_BYTES);
    this.#put(framed);
    this.#bytes += chunk.length;
    this.#chunks += 1;
    if (this.#position - this.#synced >= SYNC_EVERY_BYTES) this.#sync();
  }

  /** Footer and sync; the file is whole on disk when it returns. */
  finish(): void {
    const footer = new Uint8Array(FOOTER_BYTES);
    const view = new DataView(footer.buffer);
    putU64(view, 8, this.#bytes);
    putU64(view, 16, this.#chunks);
    view.setUint32(4, crc32(footer.subarray(8), this.#crc), true);
    this.#put(footer);
    this.#sync();
    this.#file.close();
  }

  abandon(): void {
    this.#file.close();
  }

  #put(bytes: Uint8Array): void {
    this.#file.write(this.#position, bytes);
    this.#position += bytes.length;
  }

  #sync(): void {
    this.#file.sync();
    this.#synced = this.#position;
  }
}

/** Reads chunk by chunk and checks each; any mismatch throws `RaftError` ("corrupt"). */
export class SnapshotFileReader {
  readonly meta: SnapshotMeta;
  readonly #file: VfsFile;
  #position: number;
  #crc: number;
  #bytes = 0;
  #chunks = 0;
  #ended = false;

  constructor(file: VfsFile) {
    this.#file = file;
    const header = file.read(0, HEADER_BYTES);
    const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
    const known = header.length === HEADER_BYTES && magicOf(header) === MAGIC;
    if (!known || view.getUint32(8, true) !== VERSION) throw this.#broken(0, "not a snapshot");
    const body = file.read(HEADER_BYTES, view.getUint32(12, true));
    this.#crc = crc32(body);
    if (this.#crc !== view.getUint32(16, true)) throw this.#broken(0, "its header does not check");
    this.meta = packr.unpack(body) as SnapshotMeta;
    this.#position = HEADER_BYTES + body.length;
  }

  /** The next chunk; null after the last one, when the footer has checked too. */
  next(): Uint8Array | null {
    if (this.#ended) return null;
    const at = this.#position;
    const head = this.#file.read(at, CHUNK_HEADER_BYTES);
    if (head.length < CHUNK_HEADER_BYTES) throw this.#broken(at, "the end is missing");
    const view = new DataView(head.buffer, head.byteOffset, CHUNK_HEADER_BYTES);
    const length = view.getUint32(0, true);
    const crc = view.getUint32(4, true);
    if (length === 0) return this.#footer(at, crc);
    if (length > CHUNK_BYTES_MAX) throw this.#broken(at, `a chunk of ${length} bytes`);
    const chunk = this.#file.read(at + CHUNK_HEADER_BYTES, length);
    this.#crc = crc32(chunk, this.#crc);
    if (chunk.length !== length || this.#crc !== crc)
      throw this.#broken(at, "a chunk does not check");
    this.#position = at + CHUNK_HEADER_BYTES + length;
    this.#bytes += length;
    this.#chunks += 1;
    return chunk;
  }

  close(): void {
    this.#file.close();
  }

  #footer(at: number, crc: number): null {
    const footer = this.#file.read(at + 8, FOOTER_BYTES - 8);
    if (footer.length !== FOOTER_BYTES - 8 || crc32(footer, this.#crc) !== crc) {
      throw this.#broken(at, "its footer does not check");
    }
    const view = new DataView(footer.buffer, footer.byteOffset, footer.byteLength);
    if (getU64(view, 0) !== this.#bytes || getU64(view, 8) !== this.#chunks) {
      throw this.#broken(at, "its footer counts something else");
    }
    this.#ended = true;
    return null;
  }

  #broken(at: number, why: string): Error {
    return corrupt(this.#file.path, at, why);
  }
}

function magicOf(header: Uint8Array): string {
  return new TextDecoder().decode(header.subarray(0, 8));
}
