/** Append messages sent and not yet acknowledged: bounded by number and by bytes. */
export class Inflights {
  readonly #messagesMax: number;
  readonly #bytesMax: number;
  /** Last index and bytes of each message, oldest first. */
  #items: { readonly last: number; readonly bytes: number }[] = [];
  #bytes = 0;

  constructor(messagesMax: number, bytesMax: number) {
    this.#messagesMax = messagesMax;
    this.#bytesMax = bytesMax;
  }

  get size(): number {
    return this.#items.length;
  }

  isFull(): boolean {
    return this.#items.length >= this.#messagesMax || this.#bytes >= this.#bytesMax;
  }

  add(last: number, bytes: number): void {
    this.#items.push({ last, bytes });
    this.#bytes += bytes;
  }

  /** Everything up to `index` is acknowledged. */
  freeTo(index: number): void {
    let count = 0;
    for (const item of this.#items) {
      if (item.last > index) break;
      this.#bytes -= item.bytes;
      count += 1;
    }
    if (count > 0) this.#items.splice(0, count);
  }

  reset(): void {
    this.#items = [];
    this.#bytes = 0;
  }
}
