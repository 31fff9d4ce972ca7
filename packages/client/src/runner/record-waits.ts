/** Who waits until the record of an allocation has come so far. */
import type { Clock } from "@drover/base";
import { isReplaced } from "../core/task-run.ts";
import type { AllocRecord } from "../state/alloc-record.ts";

type IsOver = (record: AllocRecord) => boolean;

export class RecordWaits {
  readonly #open = new Map<IsOver, () => void>();

  until(record: AllocRecord, isOver: IsOver): Promise<void> {
    if (isOver(record)) return Promise.resolve();
    return new Promise((resolve) => this.#open.set(isOver, resolve));
  }

  /** The record is another one, and what it implies has been begun. */
  tell(record: AllocRecord): void {
    for (const [isOver, resolve] of this.#open) {
      if (!isOver(record)) continue;
      this.#open.delete(isOver);
      resolve();
    }
  }
}

/** Nothing runs any more of what ran in `before`, and what was started in its place does. */
export function areReplaced(
  { tasks: before }: AllocRecord,
  taskName: string,
  clock: Pick<Clock, "now">,
): IsOver {
  const names = Object.keys(before).filter((name) => taskName === "" || name === taskName);
  return ({ tasks }) => names.every((name) => isReplaced(before[name], tasks[name], clock.now()));
}
