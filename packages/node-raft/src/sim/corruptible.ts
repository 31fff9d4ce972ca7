/**
 * Registers that can come to differ from what the log says, as by a bit that flips in memory or an
 * entry that is not applied. Beside them the same log is applied as it must be: the truth that the
 * checkers know and the member does not. A snapshot keeps both, for a restart does not heal what
 * was written down.
 */
import type { Entry } from "../core/types.ts";
import { CHECKPOINT_EVERY } from "../node/agreement.ts";
import { RegisterMachine } from "./register-machine.ts";

export class CorruptibleMachine extends RegisterMachine {
  #true = new RegisterMachine();
  #skips = 0;
  #touched = false;
  #wrongFrom = 0;
  /** Where the snapshot stood that this one was restored from. */
  #restoredAt = 0;

  override get trueChain(): number {
    return this.#true.chain;
  }

  override get wrongFrom(): number {
    return this.#wrongFrom;
  }

  /**
   * It has passed a checkpoint with a state that differs: its digest is there to be compared. One
   * that was restored behind a checkpoint has none of that, and is found out at the next.
   */
  get isVisible(): boolean {
    const checkpoint = Math.floor(this.index / CHECKPOINT_EVERY) * CHECKPOINT_EVERY;
    return this.#wrongFrom > 0 && checkpoint >= this.#wrongFrom && checkpoint > this.#restoredAt;
  }

  /** False from the moment of the fault, though nobody could see it yet. */
  override get isSound(): boolean {
    return !this.#touched;
  }

  /** The next entry is not applied. */
  skip(): void {
    this.#touched = true;
    this.#skips += 1;
  }

  override flip(key: string, bit: number): void {
    this.#touched = true;
    super.flip(key, bit);
  }

  override apply(entry: Entry): void {
    this.#true.apply(entry);
    if (this.#skips > 0) this.#skips -= 1;
    else super.apply(entry);
    this.index = entry.index;
    if (this.#wrongFrom === 0 && this.chain !== this.#true.chain) this.#wrongFrom = entry.index;
  }

  override save(): Uint8Array {
    const parts = [[...super.save()], [...this.#true.save()], this.#touched, this.#wrongFrom];
    return Uint8Array.from(JSON.stringify(parts), (c) => c.charCodeAt(0));
  }

  override load(data: Uint8Array): void {
    const text = String.fromCharCode(...data);
    const [own, real, touched, wrongFrom] = JSON.parse(text) as [
      number[],
      number[],
      boolean,
      number,
    ];
    super.load(Uint8Array.from(own));
    this.#true.load(Uint8Array.from(real));
    this.#restoredAt = this.index;
    this.#touched = touched;
    this.#wrongFrom = wrongFrom;
  }
}
