/**
 * The segmented log: one `append` is one write and one sync, however many records it carries
 * (group commit). Synchronous; it runs in a worker thread in production and in the caller's
 * thread under the simulator. The first failure poisons it (RAFT.md §2.5 row 11).
 */
import { assert } from "../core/assert.ts";
import type { Entry, HardState, SnapshotMeta } from "../core/types.ts";
import { RaftError } from "../node/api.ts";
import { FrameWriter, type SnapshotMark } from "./frame.ts";
import {
  type LogIds,
  type RecoveredLog,
  recoverLog,
  rememberMark,
  type SegmentFile,
} from "./recover.ts";
import {
  encodeBatch,
  encodeHeader,
  SEGMENT_HEADER_BYTES,
  segmentName,
  type Tail,
} from "./segment.ts";
import type { Vfs, VfsFile } from "./vfs.ts";

export interface WalOptions {
  readonly segmentBytes: number;
  /** How far ahead of the last batch a file is filled with zeros, so that a sync moves no size. */
  readonly aheadBytes: number;
}

export const walDefaults: WalOptions = {
  // A file is read wholly at the start, however little of it is behind the snapshot.
  segmentBytes: 16 * 1024 * 1024,
  aheadBytes: 1024 * 1024,
};

/** What one caller wants in the log; several become one batch. */
export interface LogWrite {
  readonly hardState: HardState | null;
  /** Contiguous; those at and above the first one are replaced. */
  readonly entries: readonly Entry[];
  readonly mark: SnapshotMark | null;
}

/** A write as frames, with what the log must remember of it. */
export interface EncodedWrite {
  readonly frames: Uint8Array<ArrayBuffer>;
  readonly hardState: HardState | null;
  readonly mark: SnapshotMark | null;
  readonly lastIndex: number;
}

/** Turns writes into frames; it must see every write, because it knows where the log ends. */
export class WriteEncoder {
  #lastIndex: number;

  constructor(lastIndex: number) {
    this.#lastIndex = lastIndex;
  }

  encode(write: LogWrite): EncodedWrite {
    const bytes = write.entries.reduce((sum, entry) => sum + entry.data.length + 48, 256);
    const writer = new FrameWriter(bytes);
    if (write.mark !== null) {
      writer.snapshotMark(write.mark);
      if (write.mark.reset) this.#lastIndex = write.mark.meta.index;
    }
    const first = write.entries[0];
    if (first !== undefined && first.index <= this.#lastIndex) {
      writer.truncateFrom(first.index);
      this.#lastIndex = first.index - 1;
    }
    for (const entry of write.entries) {
      assert(entry.index === this.#lastIndex + 1, () => `gap in the log at ${entry.index}`);
      writer.entry(entry);
      this.#lastIndex = entry.index;
    }
    if (write.hardState !== null) writer.hardState(write.hardState);
    const { hardState, mark } = write;
    return { frames: writer.finish(), hardState, mark, lastIndex: this.#lastIndex };
  }
}

export class Wal {
  readonly #vfs: Vfs;
  readonly #dir: string;
  readonly #ids: LogIds;
  readonly #options: WalOptions;
  #segments: SegmentFile[] = [];
  #file: VfsFile | null = null;
  #tail: Tail = { position: 0, prevCrc: 0, seq: 0 };
  #allocated = 0;
  #hardState: HardState = { term: 0, vote: "", commit: 0 };
  #lastIndex = 0;
  #marks: readonly SnapshotMeta[] = [];
  #poisoned: Error | null = null;

  private constructor(vfs: Vfs, dir: string, ids: LogIds, options: WalOptions) {
    this.#vfs = vfs;
    this.#dir = dir;
    this.#ids = ids;
    this.#options = options;
  }

  /** Opens the log of `dir`, or starts an empty one. */
  static open(
    vfs: Vfs,
    dir: string,
    ids: LogIds,
    options: WalOptions = walDefaults,
  ): { wal: Wal; recovered: RecoveredLog | null } {
    vfs.mkdir(dir);
    for (const name of vfs.list(dir)) if (name.endsWith(".tmp")) vfs.unlink(`${dir}/${name}`);
    const recovered = recoverLog(vfs, dir, ids);
    const wal = new Wal(vfs, dir, ids, options);
    wal.#guard(() => (recovered === null ? wal.#startSegment() : wal.#resume(recovered)));
    return { wal, recovered };
  }

  get lastIndex(): number {
    return this.#lastIndex;
  }

  get marks(): readonly SnapshotMeta[] {
    return this.#marks;
  }

  /** Durable when it returns. */
  append(writes: readonly EncodedWrite[]): void {
    const frames = writes.map((write) => write.frames).filter((part) => part.length > 0);
    if (frames.length === 0) return;
    this.#guard(() => this.#writeBatch(frames));
    for (const write of writes) {
      this.#hardState = write.hardState ?? this.#hardState;
      if (write.mark !== null) this.#marks = rememberMark(this.#marks, write.mark.meta);
      this.#lastIndex = write.lastIndex;
    }
  }

  /** Work that need not delay an acknowledgement: a new file, zeros ahead. Call it when idle. */
  maintain(): void {
    this.#guard(() => {
      if (this.#tail.position >= this.#options.segmentBytes) this.#rotate();
      const ahead = this.#allocated - this.#tail.position;
      if (ahead < this.#options.aheadBytes / 2) this.#fillAhead();
    });
  }

  /** Removes files that hold nothing above `index`; a snapshot at or above it must be durable. */
  compact(index: number): void {
    this.#guard(() => {
      const covered = this.#marks.some((mark) => mark.index >= index);
      assert(covered, () => `no durable snapshot covers index ${index}`);
      const keepFrom = this.#segments.findLastIndex((segment) => segment.firstIndex <= index + 1);
      if (keepFrom <= 0) return;
      for (const segment of this.#segments.slice(0, keepFrom)) {
        this.#vfs.unlink(`${this.#dir}/${segment.name}`);
        // One at a time and oldest first: a crash must never leave a hole between files.
        this.#vfs.syncDir(this.#dir);
      }
      this.#segments = this.#segments.slice(keepFrom);
    });
  }

  close(): void {
    this.#file?.close();
    this.#file = null;
    this.#poisoned ??= new RaftError("stopped", "the log is closed");
  }

  #guard<T>(act: () => T): T {
    if (this.#poisoned !== null) throw this.#poisoned;
    try {
      return act();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const text = `${this.#dir}: the log cannot be written any more (${why})`;
      this.#poisoned = new RaftError("io", text, { cause: error });
      throw this.#poisoned;
    }
  }

  #current(): VfsFile {
    assert(this.#file !== null, () => "the log has no open file");
    return this.#file;
  }

  #writeBatch(frames: readonly Uint8Array[]): void {
    const segId = this.#segments.at(-1)?.segId ?? 0;
    const { bytes, crc } = encodeBatch(frames, segId, this.#tail);
    const file = this.#current();
    file.write(this.#tail.position, bytes);
    file.sync();
    const position = this.#tail.position + bytes.length;
    this.#tail = { position, prevCrc: crc, seq: this.#tail.seq + 1 };
    this.#allocated = Math.max(this.#allocated, position);
  }

  #fillAhead(): void {
    const from = this.#allocated;
    const to = this.#tail.position + this.#options.aheadBytes;
    this.#current().write(from, new Uint8Array(to - from));
    this.#current().sync();
    this.#allocated = to;
  }

  /** A torn write is erased before anything is written behind it. */
  #resume(recovered: RecoveredLog): void {
    const last = recovered.segments.at(-1);
    assert(last !== undefined, () => "a recovered log has files");
    this.#segments = [...recovered.segments];
    this.#hardState = recovered.hardState;
    this.#lastIndex = recovered.lastIndex;
    this.#marks = recovered.marks;
    this.#tail = recovered.tail;
    const file = this.#vfs.open(`${this.#dir}/${last.name}`, "write");
    this.#file = file;
    if (file.size() > this.#tail.position) {
      file.truncate(this.#tail.position);
      file.sync();
    }
    this.#allocated = this.#tail.position;
  }

  #rotate(): void {
    const old = this.#current();
    if (old.size() > this.#tail.position) {
      old.truncate(this.#tail.position);
      old.sync();
    }
    this.#startSegment();
    old.close();
  }

  /** A new file appears whole: header and the state that the files before it will take along. */
  #startSegment(): void {
    const segId = (this.#segments.at(-1)?.segId ?? 0) + 1;
    const firstIndex = this.#lastIndex + 1;
    const name = segmentName(firstIndex, segId);
    const tmp = `${this.#dir}/${name}.tmp`;
    const file = this.#vfs.create(tmp);
    file.write(0, encodeHeader({ segId, firstIndex, prevCrc: this.#tail.prevCrc, ...this.#ids }));
    this.#file = file;
    this.#segments = [...this.#segments, { name, segId, firstIndex }];
    this.#tail = { position: SEGMENT_HEADER_BYTES, prevCrc: this.#tail.prevCrc, seq: 0 };
    this.#allocated = SEGMENT_HEADER_BYTES;
    this.#writeBatch([this.#preamble()]);
    this.#vfs.rename(tmp, `${this.#dir}/${name}`);
    this.#vfs.syncDir(this.#dir);
  }

  #preamble(): Uint8Array {
    const writer = new FrameWriter();
    for (const meta of this.#marks) writer.snapshotMark({ meta, reset: false });
    writer.hardState(this.#hardState);
    return writer.finish();
  }
}
