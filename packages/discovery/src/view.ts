/** The view that an implementation keeps and tells its subscribers of. */
import type { CatalogView, CheckObservation } from "./service-discovery.ts";

export class ViewKeeper {
  readonly #subscribers = new Set<(view: CatalogView) => void>();
  #view: CatalogView;

  constructor(options: { readonly visible: boolean }) {
    this.#view = { visible: options.visible, checksByService: new Map() };
  }

  get current(): CatalogView {
    return this.#view;
  }

  subscribe(fn: (view: CatalogView) => void): () => void {
    this.#subscribers.add(fn);
    return () => this.#subscribers.delete(fn);
  }

  /** Tells the subscribers when, and only when, something differs. */
  update(next: {
    readonly visible: boolean;
    readonly checksByService: ReadonlyMap<string, readonly CheckObservation[]>;
  }): void {
    if (sameView(this.#view, next)) return;
    this.#view = next;
    for (const fn of [...this.#subscribers]) fn(next);
  }
}

function sameView(a: CatalogView, b: CatalogView): boolean {
  if (a.visible !== b.visible || a.checksByService.size !== b.checksByService.size) return false;
  for (const [id, checks] of a.checksByService) {
    const others = b.checksByService.get(id);
    if (others === undefined || !sameChecks(checks, others)) return false;
  }
  return true;
}

function sameChecks(a: readonly CheckObservation[], b: readonly CheckObservation[]): boolean {
  if (a.length !== b.length) return false;
  return a.every((check, i) => {
    const other = b[i];
    return (
      other !== undefined &&
      check.id === other.id &&
      check.status === other.status &&
      check.output === other.output &&
      check.at === other.at
    );
  });
}
