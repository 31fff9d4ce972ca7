/** A stream of pieces, read by numbers of bytes, however it was cut. */
export class ByteSource {
  readonly #source: AsyncIterator<Uint8Array>;
  #held: Uint8Array = new Uint8Array(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** At least `count` bytes, or all there are; they are still to be taken. */
  async peek(count: number): Promise<Uint8Array> {
    while (this.#held.length < count) {
      const { done, value } = await this.#source.next();
      if (done === true) break;
      const joined = new Uint8Array(this.#held.length + value.length);
      joined.set(this.#held);
      joined.set(value, this.#held.length);
      this.#held = joined;
    }
    return this.#held;
  }

  /** Exactly `count` bytes; null where the stream ends before. */
  async take(count: number): Promise<Uint8Array | null> {
    const held = await this.peek(count);
    if (held.length < count) return null;
    this.#held = held.subarray(count);
    return held.subarray(0, count);
  }

  async *rest(): AsyncGenerator<Uint8Array> {
    try {
      if (this.#held.length > 0) yield this.#held;
      for (;;) {
        const { done, value } = await this.#source.next();
        if (done === true) return;
        yield value;
      }
    } finally {
      await this.#source.return?.();
    }
  }
}
