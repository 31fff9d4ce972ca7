/**
 * Configurations follow each other so that any two consecutive quorums share a voter (thesis §4.3):
 * old → joint(old, new) → new; without a joint one the voters stay the same.
 */

import { decodeConf } from "../../core/conf-state.ts";
import type { ConfState, MemberId } from "../../core/types.ts";
import { EntryKind } from "../../core/types.ts";
import type { Ledger, ObservedWrite } from "../ledger.ts";
import { type Checker, expect } from "./checker.ts";

export class ConfSteps implements Checker {
  readonly name = "conf-steps";
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  issued(id: MemberId, write: ObservedWrite): void {
    for (const { index, before, after } of stepsOf(this.#ledger, id, write)) {
      if (before === undefined || before.voters.length === 0) continue;
      expect(isStep(before, after), this, () => {
        return `${id} goes from ${show(before)} to ${show(after)} at ${index}`;
      });
    }
  }
}

export interface ConfStep {
  readonly index: number;
  /** Undefined where nobody knows what stood before. */
  readonly before: ConfState | undefined;
  readonly after: ConfState;
}

/** The changes of configuration in what a member writes, each with the one it follows. */
export function* stepsOf(
  ledger: Pick<Ledger, "issued">,
  id: MemberId,
  write: ObservedWrite,
): Iterable<ConfStep> {
  const first = write.entries[0];
  // Most writes bring none, and what stood before is a long way back.
  const confs = write.entries.filter(({ kind }) => kind === EntryKind.config);
  if (first === undefined || confs.length === 0) return;
  // What the write replaces does not precede it.
  let before = write.snapshot?.conf ?? ledger.issued.get(id)?.confAt(first.index - 1);
  for (const { data, index } of confs) {
    const after = decodeConf(data);
    yield { index, before, after };
    before = after;
  }
}

function isStep(before: ConfState, after: ConfState): boolean {
  const wasJoint = before.votersOutgoing.length > 0;
  const isJoint = after.votersOutgoing.length > 0;
  if (wasJoint) return !isJoint && same(before.voters, after.voters);
  return isJoint ? same(before.voters, after.votersOutgoing) : same(before.voters, after.voters);
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}

function show(conf: ConfState | undefined): string {
  return `(${conf?.voters})&&(${conf?.votersOutgoing})`;
}
