/** The view that an implementation keeps and tells its subscribers of. */
import type { CatalogListener, CatalogView, CheckObservation } from "./service-discovery.ts";

export class ViewKeeper {
  readonly #listeners = new Set<CatalogListener>();
  #view: CatalogView;

  constructor(options: { readonly visible: boolean }) {
    this.#view = { visible: options.visible, checksByService: new Map() };
  }

  get current(): CatalogView {
    return this.#view;
  }

  subscribe(fn: CatalogListener): () => void {
    this.#listeners.add(fn);
    return () => this.#listeners.delete(fn);
  }

  /** Tells the listeners when, and only when, something differs. */
  update(next: CatalogView): void {
    const changed = changedServices(this.#view, next);
    this.#view = next;
    if (changed?.size === 0) return;
    for (const fn of [...this.#listeners]) fn(next, changed);
  }
}

/**
 * Ids of services that `next` shows differently; null = any may matter, because the catalog went or
 * came back. That a check was run once more and said the same is no difference.
 */
export function changedServices(before: CatalogView, next: CatalogView): Set<string> | null {
  if (before.visible !== next.visible) return null;
  const changed = new Set<string>();
  for (const [id, checks] of next.checksByService) {
    const others = before.checksByService.get(id);
    if (others === undefined || !sameChecks(checks, others)) changed.add(id);
  }
  for (const id of before.checksByService.keys()) {
    if (!next.checksByService.has(id)) changed.add(id);
  }
  return changed;
}

function sameChecks(a: readonly CheckObservation[], b: readonly CheckObservation[]): boolean {
  if (a.length !== b.length) return false;
  return a.every((check, i) => {
    const other = b[i];
    return (
      other !== undefined &&
      check.id === other.id &&
      check.status === other.status &&
      check.output === other.output
    );
  });
}
