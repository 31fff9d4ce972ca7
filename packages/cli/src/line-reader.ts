/** Answers that a person types: line by line, without waiting for the end of the input. */
import type { Readable } from "node:stream";

/** Sockets and terminals keep their process alive until they are told not to; files do not. */
type Input = Readable & { ref?(): unknown; unref?(): unknown };

export class LineReader {
  readonly #stream: Input;
  #rest = "";
  #ended = false;

  constructor(stream: Input) {
    this.#stream = stream;
  }

  /** Without its end; null when there is no more. Between calls nothing is read or kept open. */
  async next(): Promise<string | null> {
    while (!this.#rest.includes("\n") && !this.#ended) await this.#more();
    if (this.#rest === "") return null;
    const end = this.#rest.indexOf("\n");
    const line = end < 0 ? this.#rest : this.#rest.slice(0, end);
    this.#rest = end < 0 ? "" : this.#rest.slice(end + 1);
    return line.replace(/\r$/, "");
  }

  async #more(): Promise<void> {
    const stream = this.#stream;
    stream.ref?.();
    await new Promise<void>((resolve, reject) => {
      const done = () => {
        stream.off("data", onData).off("end", onEnd).off("error", reject);
        stream.pause();
        stream.unref?.();
        resolve();
      };
      const onData = (chunk: Buffer) => {
        this.#rest += chunk.toString("utf8");
        done();
      };
      const onEnd = () => {
        this.#ended = true;
        done();
      };
      stream.on("data", onData).once("end", onEnd).once("error", reject).resume();
    });
  }
}
