/**
 * Reads the log back (RAFT.md §4.6). A broken batch at the very end of the last file, with nothing
 * valid behind it, is a torn write: it was never acknowledged and is cut. Anything else that does
 * not check is damage to durable bytes, and the member must not start with it: it may have
 * promised a vote or an entry that is gone.
 */
import type { Entry, HardState, SnapshotMeta } from "../core/types.ts";
import { RaftError } from "../node/api.ts";
import { type Frame, readFrames } from "./frame.ts";
import {
  decodeHeader,
  parseSegmentName,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  scanBatches,
  type Tail,
} from "./segment.ts";
import { readWhole, type Vfs } from "./vfs.ts";

export interface LogIds {
  readonly clusterId: string;
  readonly memberId: string;
}

export interface SegmentFile {
  readonly name: string;
  readonly segId: number;
  readonly firstIndex: number;
}

export interface RecoveredLog {
  readonly hardState: HardState;
  readonly entries: readonly Entry[];
  /** Index before the first entry. */
  readonly baseIndex: number;
  readonly lastIndex: number;
  /** Durable snapshots, oldest first, at most two. */
  readonly marks: readonly SnapshotMeta[];
  readonly segments: readonly SegmentFile[];
  readonly tail: Tail;
  /** Bytes of a torn last write that are to be cut; 0 = none. */
  readonly tornBytes: number;
}

/** null when there is no log yet. Throws `RaftError` ("corrupt") naming file and offset. */
export function recoverLog(vfs: Vfs, dir: string, ids: LogIds): RecoveredLog | null {
  const segments = listSegments(vfs, dir);
  if (segments.length === 0) return null;
  const replay = new Replay();
  let tail: Tail | null = null;
  let tornBytes = 0;
  for (const [i, segment] of segments.entries()) {
    const path = `${dir}/${segment.name}`;
    const bytes = readWhole(vfs, path);
    const header = checkHeader(path, bytes, segment, ids);
    if (tail === null) replay.begin(header.firstIndex - 1);
    else if (header.prevCrc !== tail.prevCrc) throw corrupt(path, 0, "the file before it is cut");
    const scan = scanBatches(bytes, header, (frames, at) => replayBatch(replay, path, frames, at));
    if (scan.kind === "corrupt") {
      throw corrupt(path, scan.at, `a valid batch follows at offset ${scan.validAt}`);
    }
    if (scan.tornBytes > 0 && i < segments.length - 1) {
      throw corrupt(path, scan.tail.position, "a sealed file has a broken batch");
    }
    tail = scan.tail;
    tornBytes = scan.tornBytes;
  }
  if (tail === null) return null;
  const state = replay.finish(`${dir}/${segments.at(-1)?.name}`, tail.position);
  return { ...state, segments, tail, tornBytes };
}

function replayBatch(replay: Replay, path: string, frames: Uint8Array, at: number): void {
  try {
    for (const frame of readFrames(frames)) replay.apply(frame);
  } catch (error) {
    if (error instanceof RaftError) throw error;
    throw corrupt(path, at, error instanceof Error ? error.message : String(error));
  }
}

export const REJOIN =
  "move this member's data directory away and let the machine join again under a new id";

export function corrupt(path: string, offset: number, why: string): RaftError {
  const what = "Its bytes were damaged after they had been written";
  const text = `${path}: corrupt at offset ${offset} (${why}). ${what}; do not delete parts of it`;
  return new RaftError("corrupt", `${text}: ${REJOIN}.`);
}

function listSegments(vfs: Vfs, dir: string): SegmentFile[] {
  const segments: SegmentFile[] = [];
  for (const name of vfs.list(dir)) {
    const parsed = parseSegmentName(name);
    if (parsed !== null) segments.push({ name, ...parsed });
  }
  segments.sort((a, b) => a.segId - b.segId);
  for (const [i, segment] of segments.entries()) {
    const before = segments[i - 1];
    if (before !== undefined && segment.segId !== before.segId + 1) {
      throw corrupt(`${dir}/${segment.name}`, 0, `file number ${before.segId + 1} is missing`);
    }
  }
  return segments;
}

function checkHeader(
  path: string,
  bytes: Uint8Array,
  segment: SegmentFile,
  ids: LogIds,
): SegmentHeader {
  const header = decodeHeader(bytes.subarray(0, SEGMENT_HEADER_BYTES));
  if (header === null) throw corrupt(path, 0, "its header does not check");
  if (header.segId !== segment.segId || header.firstIndex !== segment.firstIndex) {
    throw corrupt(path, 0, "its header belongs to another file");
  }
  if (header.clusterId !== ids.clusterId || header.memberId !== ids.memberId) {
    const owner = `member ${header.memberId} of cluster ${header.clusterId}`;
    const self = `member ${ids.memberId} of cluster ${ids.clusterId}`;
    const text = `${path}: written by ${owner}, but this is ${self}`;
    throw new RaftError("corrupt", `${text}: put back its own directory, or ${REJOIN}`);
  }
  return header;
}

/** What the frames add up to. */
class Replay {
  #hardState: HardState = { term: 0, vote: "", commit: 0 };
  #entries: Entry[] = [];
  #base = 0;
  #marks: SnapshotMeta[] = [];

  begin(base: number): void {
    this.#base = base;
  }

  apply(frame: Frame): void {
    switch (frame.type) {
      case "hardState":
        this.#hardState = frame.hardState;
        return;
      case "entry":
        this.#append(frame.entry);
        return;
      case "truncateFrom":
        this.#truncate(frame.index);
        return;
      case "snapshotMark":
        this.#marks = rememberMark(this.#marks, frame.mark.meta);
        if (frame.mark.reset) this.#reset(frame.mark.meta.index);
    }
  }

  finish(path: string, at: number): Omit<RecoveredLog, "segments" | "tail" | "tornBytes"> {
    const lastIndex = this.#base + this.#entries.length;
    if (this.#hardState.commit > lastIndex) {
      throw corrupt(path, at, `commit ${this.#hardState.commit} is beyond the log's ${lastIndex}`);
    }
    return {
      hardState: this.#hardState,
      entries: this.#entries,
      baseIndex: this.#base,
      lastIndex,
      marks: this.#marks,
    };
  }

  #append(entry: Entry): void {
    const expected = this.#base + this.#entries.length + 1;
    if (entry.index !== expected) throw new Error(`entry ${entry.index} where ${expected} belongs`);
    this.#entries.push(entry);
  }

  /** The first file left after compaction may cut back into entries of a removed one. */
  #truncate(index: number): void {
    if (index <= this.#base) this.#reset(index - 1);
    else this.#entries.length = index - this.#base - 1;
  }

  #reset(base: number): void {
    this.#base = base;
    this.#entries = [];
  }
}

/** The two newest snapshots are kept. */
export function rememberMark(marks: readonly SnapshotMeta[], meta: SnapshotMeta): SnapshotMeta[] {
  const others = marks.filter((mark) => mark.index < meta.index);
  return [...others, meta].slice(-2);
}
