/** Reads a file from a position to its end and, when asked, on as it grows. */
import type { FileHandle } from "node:fs/promises";
import type { Clock } from "@drover/base";

const CHUNK_BYTES = 64 * 1024;
/** Growth of this long is one frame. */
export const BATCH_MS = 200;

export interface Chunk {
  readonly data: Buffer;
  /** Position behind the data. */
  readonly end: number;
}

/** To the end that the file has now. */
export async function* readToEnd(file: FileHandle, from: number): AsyncGenerator<Chunk> {
  let position = from;
  for (;;) {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield { data: buffer.subarray(0, bytesRead), end: position };
  }
}

export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const cancel = clock.setTimer(clock.now() + ms, done);
    function done(): void {
      cancel();
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
  });
}
