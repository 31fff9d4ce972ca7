/**
 * The records of this node's allocations, in one file of `<data>/client`: each version of a record
 * is appended as a frame, into room that was prepared before. So durable costs one write in place,
 * however many allocations change at once, where a file of its own would cost each of them two
 * flushes and six more calls on the way from "healthy" to the next container.
 *
 *   frame = magic u32 · length of body u32 · crc32 of body u32 · body {serial, id, record | null}
 *
 * Of one id the frame with the highest serial holds; null says that it was removed. The file is
 * written anew, with what holds and nothing else, when it is opened and when it has grown.
 */
import { constants } from "node:fs";
import { copyFile, type FileHandle, open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Frame, frameOf, type Held, readFrames } from "./alloc-frames.ts";
import type { AllocRecord } from "./alloc-record.ts";
import type { AllocStore } from "./alloc-store.ts";
import { ensureDirectory, readBytesIfExists, syncDirectory } from "./atomic-file.ts";

/** Prepared ahead, so that an append changes nothing but its own bytes. */
const ROOM_BYTES = 256 * 1024;
const ROOM_LEFT_MIN = ROOM_BYTES / 4;
/** A smaller file is not worth being written anew. */
const COMPACT_BYTES_MIN = 8 * 1024 * 1024;
const COMPACT_FACTOR = 4;

interface Append {
  readonly frame: Frame;
  resolve(): void;
  reject(error: unknown): void;
}

export class AllocJournal implements AllocStore {
  readonly #path: string;
  /** Where the newest frame of each allocation is. */
  #held = new Map<string, Held>();
  #file: FileHandle | null = null;
  #end = 0;
  #size = 0;
  #serial = 0;
  #queue: Append[] = [];
  #working: Promise<void> | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  async load(): Promise<{ records: AllocRecord[]; damaged: string[] }> {
    await ensureDirectory(dirname(this.#path));
    const bytes = (await readBytesIfExists(this.#path)) ?? Buffer.alloc(0);
    const { frames, isDamaged } = readFrames(bytes);
    const damaged: string[] = [];
    if (isDamaged) {
      // Kept for the operator; the tasks themselves are adopted when the servers push them again.
      await copyFile(this.#path, `${this.#path}.damaged`);
      damaged.push(`${this.#path}.damaged`);
    }
    this.#serial = Math.max(0, ...frames.map((frame) => frame.serial));
    const held = frames.filter((frame) => frame.record?.format === 1);
    await this.#rewrite(held);
    return { records: held.flatMap((frame) => frame.record ?? []), damaged };
  }

  write(record: AllocRecord): Promise<void> {
    return this.#append(record.alloc.id, record);
  }

  remove(allocId: string): Promise<void> {
    return this.#append(allocId, null);
  }

  /** What was asked for before is written; nothing may be asked for after. */
  async close(): Promise<void> {
    while (this.#working !== null) await this.#working;
    const file = this.#file;
    this.#file = null;
    await file?.close();
  }

  #append(id: string, record: AllocRecord | null): Promise<void> {
    this.#serial += 1;
    const frame = frameOf({ serial: this.#serial, id, record });
    return new Promise((resolve, reject) => {
      this.#queue.push({ frame, resolve, reject });
      this.#working ??= this.#work();
    });
  }

  async #work(): Promise<void> {
    // What changes in the same moment shares a write, those included that look ahead for a turn.
    await nextTurn();
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0);
      try {
        await this.#write(batch.map((append) => append.frame));
        for (const append of batch) append.resolve();
      } catch (error) {
        for (const append of batch) append.reject(error);
      }
    }
    this.#working = null;
    if (this.#size - this.#end >= ROOM_LEFT_MIN) return;
    // Between two writes. The append that needs room makes it when this fails, or says why not.
    const goOn = () => {
      this.#working = this.#queue.length > 0 ? this.#work() : null;
    };
    this.#working = this.#makeRoom(ROOM_LEFT_MIN).then(goOn, goOn);
  }

  async #write(frames: readonly Frame[]): Promise<void> {
    const length = frames.reduce((sum, frame) => sum + frame.bytes.length, 0);
    if (this.#end + length > this.#size) await this.#makeRoom(length);
    const bytes = Buffer.concat(frames.map((frame) => frame.bytes));
    await writeFully(this.#open(), bytes, this.#end);
    for (const frame of frames) {
      if (frame.record === null) this.#held.delete(frame.id);
      else this.#held.set(frame.id, { offset: this.#end, length: frame.bytes.length });
      this.#end += frame.bytes.length;
    }
  }

  async #makeRoom(least: number): Promise<void> {
    const live = [...this.#held.values()].reduce((sum, held) => sum + held.length, 0);
    const isGrown = this.#end > Math.max(COMPACT_BYTES_MIN, COMPACT_FACTOR * live);
    if (isGrown) await this.#compact();
    const zeros = Buffer.alloc(Math.max(ROOM_BYTES, least));
    await writeFully(this.#open(), zeros, this.#size);
    this.#size += zeros.length;
  }

  async #compact(): Promise<void> {
    const frames: Frame[] = [];
    for (const held of this.#held.values()) {
      const bytes = Buffer.alloc(held.length);
      await this.#open().read(bytes, 0, held.length, held.offset);
      frames.push(...readFrames(bytes).frames);
    }
    await this.#rewrite(frames);
  }

  async #rewrite(frames: readonly Frame[]): Promise<void> {
    const temporary = `${this.#path}.tmp`;
    const bytes = Buffer.concat([...frames.map((f) => f.bytes), Buffer.alloc(ROOM_BYTES)]);
    const file = await open(temporary, FLAGS | constants.O_TRUNC, 0o600);
    try {
      await writeFully(file, bytes, 0);
      await rename(temporary, this.#path);
      // Until the directory is on disk as well, nothing may be promised.
      const before = this.#file;
      this.#file = null;
      await before?.close();
      await syncDirectory(dirname(this.#path));
    } catch (error) {
      await file.close();
      throw error;
    }
    this.#file = file;
    this.#size = bytes.length;
    this.#end = bytes.length - ROOM_BYTES;
    let offset = 0;
    this.#held = new Map();
    for (const { id, bytes: frame } of frames) {
      this.#held.set(id, { offset, length: frame.length });
      offset += frame.length;
    }
  }

  #open(): FileHandle {
    if (this.#file === null) throw new Error("the journal of allocations is not open");
    return this.#file;
  }
}

/** Each write is on disk when it returns. */
const FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_DSYNC;

async function writeFully(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
