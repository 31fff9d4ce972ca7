/**
 * A 64-bit hash for comparing states between servers (DESIGN §12.9). Not cryptographic: it finds
 * servers that drifted apart, not attackers. Two independent 32-bit lanes over UTF-16 units.
 */
export class Hash64 {
  #high: number;
  #low: number;

  constructor(seed = "") {
    this.#high = 0x811c9dc5;
    this.#low = 0x9e3779b9;
    this.add(seed);
  }

  add(text: string): this {
    let high = this.#high;
    let low = this.#low;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      high = Math.imul(high ^ unit, 0x01000193);
      low = Math.imul(low ^ unit ^ (low >>> 15), 0x85ebca6b);
    }
    // The length separates ("ab", "c") from ("a", "bc").
    this.#high = Math.imul(high ^ text.length, 0x01000193);
    this.#low = Math.imul(low ^ text.length ^ (low >>> 13), 0xc2b2ae35);
    return this;
  }

  /** Sixteen hexadecimal digits. */
  digest(): string {
    const hex = (value: number) => (value >>> 0).toString(16).padStart(8, "0");
    return hex(this.#high) + hex(this.#low);
  }
}
