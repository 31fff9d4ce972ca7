/**
 * The API sends a growing file as JSON documents one after the other, each with a piece of it in
 * base64; empty ones keep the connection alive.
 */

/** Takes the stream's bytes as they come and gives the file's. */
export class FrameDecoder {
  #rest = "";
  readonly #utf8 = new TextDecoder();

  push(chunk: Uint8Array): Uint8Array {
    this.#rest += this.#utf8.decode(chunk, { stream: true });
    const pieces: Buffer[] = [];
    // No value in a frame holds a brace.
    for (let end = this.#rest.indexOf("}"); end >= 0; end = this.#rest.indexOf("}")) {
      const frame = JSON.parse(this.#rest.slice(0, end + 1)) as { Data?: string | null };
      this.#rest = this.#rest.slice(end + 1);
      if (frame.Data) pieces.push(Buffer.from(frame.Data, "base64"));
    }
    return Buffer.concat(pieces);
  }
}

/** The last `count` lines of what was read, with the last line's end as it was. */
export function lastLines(bytes: Buffer, count: number): Buffer {
  let at = bytes.length - (bytes.at(-1) === 10 ? 2 : 1);
  for (let seen = 0; at >= 0; at--) {
    if (bytes[at] !== 10) continue;
    seen++;
    if (seen === count) break;
  }
  return bytes.subarray(at + 1);
}
