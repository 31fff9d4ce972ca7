/**
 * The order that a search has given to completed operations so far: which of them may come next,
 * given that none may come after one that began when it had ended. Operations are numbers, counted
 * by their invocation.
 */
interface Interval {
  readonly invokedAt: number;
  readonly completedAt: number;
}

export class OperationOrder {
  readonly #operations: readonly Interval[];
  readonly #byCompletion: readonly number[];
  readonly #isOrdered: Uint8Array;
  readonly #order: number[] = [];
  /** All before these have their order: in sequence of invocation, of completion. */
  #low = 0;
  #lowCompletion = 0;
  /** The place of each operation in the sequence of completion. */
  readonly #rank: Int32Array;

  /** `operations` in the sequence of their invocation. */
  constructor(operations: readonly Interval[]) {
    this.#operations = operations;
    this.#byCompletion = [...operations.keys()].sort(
      (a, b) => this.#at(a).completedAt - this.#at(b).completedAt,
    );
    this.#rank = new Int32Array(operations.length);
    for (const [rank, operation] of this.#byCompletion.entries()) this.#rank[operation] = rank;
    this.#isOrdered = new Uint8Array(operations.length);
  }

  get length(): number {
    return this.#order.length;
  }

  isComplete(): boolean {
    return this.#order.length === this.#operations.length;
  }

  add(operation: number): void {
    this.#order.push(operation);
    this.#isOrdered[operation] = 1;
    while (this.#isOrdered[this.#low] === 1) this.#low += 1;
    while (this.#isOrdered[this.#byCompletion[this.#lowCompletion] ?? -1] === 1) {
      this.#lowCompletion += 1;
    }
  }

  /** Takes back all but the first `length`; returns what it took back. */
  cutTo(length: number): readonly number[] {
    const takenBack = this.#order.splice(length);
    for (const operation of takenBack) {
      this.#isOrdered[operation] = 0;
      this.#low = Math.min(this.#low, operation);
      this.#lowCompletion = Math.min(this.#lowCompletion, this.#rank[operation] as number);
    }
    return takenBack;
  }

  /** The first to complete of those without an order. */
  mostUrgent(): number | undefined {
    return this.#byCompletion[this.#lowCompletion];
  }

  /** What begins later than this cannot come next. */
  deadline(): number {
    const urgent = this.mostUrgent();
    return urgent === undefined ? Infinity : this.#at(urgent).completedAt;
  }

  /** Those that may come next, as of the call. */
  candidates(): number[] {
    const deadline = this.deadline();
    const found: number[] = [];
    for (let i = this.#low; i < this.#operations.length; i += 1) {
      if (this.#at(i).invokedAt > deadline) break;
      if (this.#isOrdered[i] === 0) found.push(i);
    }
    return found;
  }

  /** Says which operations are ordered, in whatever order. */
  key(): string {
    const beyond: number[] = [];
    const deadline = this.deadline();
    for (let i = this.#low + 1; i < this.#operations.length; i += 1) {
      if (this.#at(i).invokedAt > deadline) break;
      if (this.#isOrdered[i] === 1) beyond.push(i);
    }
    return `${this.#low},${beyond.join(",")}`;
  }

  #at(operation: number): Interval {
    return this.#operations[operation] as Interval;
  }
}
