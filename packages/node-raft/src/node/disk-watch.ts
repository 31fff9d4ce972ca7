/** Notices a disk that hangs and an event loop that is late again and again. */
export class DiskWatch {
  readonly #limitMs: number;
  readonly #startedAt: number[] = [];
  #lateTicks = 0;
  #hangs = false;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** The oldest write has been on its way for longer than an election time-out. */
  get hangs(): boolean {
    return this.#hangs;
  }

  /** Nothing is being written. */
  get isIdle(): boolean {
    return this.#startedAt.length === 0;
  }

  started(now: number): void {
    this.#startedAt.push(now);
  }

  /** Writes finish in the order they started. */
  finished(): void {
    this.#startedAt.shift();
    this.#hangs = false;
  }

  /** True when the disk has just been found hanging. */
  check(now: number): boolean {
    const oldest = this.#startedAt[0];
    const hangs = oldest !== undefined && now - oldest > this.#limitMs;
    const news = hangs && !this.#hangs;
    this.#hangs = hangs;
    return news;
  }

  /** True from the second late tick in a row on. */
  late(isLate: boolean): boolean {
    this.#lateTicks = isLate ? this.#lateTicks + 1 : 0;
    return this.#lateTicks >= 2;
  }
}
