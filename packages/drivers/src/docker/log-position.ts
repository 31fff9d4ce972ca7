/**
 * How far the output of a container has been copied, so that a new agent continues without a gap
 * or a repetition. A checkpoint says: everything up to `time` had been written when the streams
 * had these byte counts. The counts themselves are recoverable after a `kill -9`, because the
 * current file's size tells what came after its start.
 */
import { readFile, rename, writeFile } from "node:fs/promises";
import { errorText } from "@drover/base";
import type { LogRotator } from "../log/log-rotator.ts";

export interface StreamPosition {
  /** Index of the file being written and how many bytes of the stream came before it. */
  readonly fileIndex: number;
  readonly bytesBefore: number;
  /** Bytes of the stream written at the checkpoint. */
  readonly bytesAtCheckpoint: number;
}

export interface LogPosition {
  readonly containerId: string;
  /** "" = from the start. */
  readonly time: string;
  readonly stdout: StreamPosition;
  readonly stderr: StreamPosition;
}

/** null when there is none or it cannot be used; the copy then begins at the container's start. */
export async function readLogPosition(
  path: string,
  containerId: string,
): Promise<LogPosition | null> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new Error(`cannot read ${path}: ${errorText(error)}`, { cause: error });
  }
  const position = JSON.parse(text) as LogPosition;
  return position.containerId === containerId ? position : null;
}

export async function writeLogPosition(path: string, position: LogPosition): Promise<void> {
  const temporary = `${path}.new`;
  await writeFile(temporary, JSON.stringify(position));
  await rename(temporary, path);
}

/** Counts one stream's bytes over its files. */
export class StreamCounter {
  #fileIndex: number;
  #bytesBefore: number;
  readonly #rotator: LogRotator;

  constructor(rotator: LogRotator, start: { fileIndex: number; bytesBefore: number }) {
    this.#rotator = rotator;
    this.#fileIndex = start.fileIndex;
    this.#bytesBefore = start.bytesBefore;
  }

  get total(): number {
    return this.#bytesBefore + this.#rotator.position.size;
  }

  /** Call after each write with what was written; true when a new file was begun. */
  wrote(totalBefore: number, bytes: number): boolean {
    const { index, size } = this.#rotator.position;
    if (index === this.#fileIndex) return false;
    this.#fileIndex = index;
    this.#bytesBefore = totalBefore + bytes - size;
    return true;
  }

  checkpoint(): StreamPosition {
    return {
      fileIndex: this.#fileIndex,
      bytesBefore: this.#bytesBefore,
      bytesAtCheckpoint: this.total,
    };
  }
}
