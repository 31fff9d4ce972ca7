/**
 * What only grows within a life (what was not on disk may be less in the next), and what bounds
 * what: purged <= snapshot <= commit <= last, applied <= commit.
 */
import { type Checker, expect, type MemberView } from "./checker.ts";

export class Monotonic implements Checker {
  readonly name = "monotonic";
  readonly #last = new Map<string, MemberView>();

  state(view: MemberView): void {
    const { id, commit, applied, firstIndex, lastIndex, snapshotIndex } = view;
    const last = this.#last.get(id);
    this.#last.set(id, view);
    expect(firstIndex - 1 <= snapshotIndex, this, () => {
      return `${id} purged up to ${firstIndex - 1}, its snapshot is at ${snapshotIndex}`;
    });
    // A snapshot being installed is ahead of the state machine, never of the commit index.
    expect(snapshotIndex <= commit, this, () => `${id} snapshot ${snapshotIndex} > ${commit}`);
    expect(applied <= commit, this, () => `${id} applied ${applied} > commit ${commit}`);
    expect(commit <= lastIndex, this, () => `${id} commit ${commit} > last ${lastIndex}`);
    if (last === undefined || last.life !== view.life) return;
    for (const key of ["term", "commit", "applied", "firstIndex"] as const) {
      expect(view[key] >= last[key], this, () => `${id} ${key} ${last[key]} -> ${view[key]}`);
    }
  }
}
