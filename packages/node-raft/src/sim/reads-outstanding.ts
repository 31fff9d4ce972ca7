/**
 * For a search among operations that read or write a whole state: which states are still to be seen
 * by reads without an order, and which can still come about.
 */
export interface WholeState<State> {
  readonly isRead: boolean;
  /** The state that a read saw, or that a write leaves. */
  readonly state: State;
}

export class ReadsOutstanding<State> {
  readonly #known: readonly WholeState<State>[];
  readonly #reads = new Map<State, number>();
  readonly #writes = new Map<State, number>();
  readonly #unknownWrites = new Map<State, bigint>();

  constructor(known: readonly WholeState<State>[], unknown: readonly WholeState<State>[]) {
    this.#known = known;
    for (const each of known.keys()) this.#count(each, 1);
    for (const [i, { state }] of unknown.entries()) {
      this.#unknownWrites.set(state, (this.#unknownWrites.get(state) ?? 0n) | (1n << BigInt(i)));
    }
  }

  ordered(operation: number): void {
    this.#count(operation, -1);
  }

  takenBack(operation: number): void {
    this.#count(operation, 1);
  }

  isWanted(state: State): boolean {
    return (this.#reads.get(state) ?? 0) > 0;
  }

  canCome(state: State, spent: bigint): boolean {
    const unknown = this.#unknownWrites.get(state) ?? 0n;
    return (this.#writes.get(state) ?? 0) > 0 || (unknown & ~spent) !== 0n;
  }

  #count(operation: number, change: number): void {
    const { isRead, state } = this.#known[operation] as WholeState<State>;
    const counts = isRead ? this.#reads : this.#writes;
    counts.set(state, (counts.get(state) ?? 0) + change);
  }
}
