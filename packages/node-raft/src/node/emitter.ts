/** Typed events; a listener that throws does not keep the others from hearing. */
export class Emitter<Events extends { [K in keyof Events]: (value: never) => void }> {
  readonly #listeners = new Map<keyof Events, Set<(value: never) => void>>();
  readonly #onThrow: (error: unknown) => void;

  constructor(onThrow: (error: unknown) => void) {
    this.#onThrow = onThrow;
  }

  on<E extends keyof Events>(event: E, fn: Events[E]): () => void {
    const set = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, set);
    set.add(fn);
    return () => set.delete(fn);
  }

  emit<E extends keyof Events>(event: E, value: Parameters<Events[E]>[0]): void {
    for (const fn of [...(this.#listeners.get(event) ?? [])]) {
      try {
        (fn as (value: unknown) => void)(value);
      } catch (error) {
        this.#onThrow(error);
      }
    }
  }
}
