/**
 * A feature level is in force only where every member's program understands it, never goes back,
 * and nothing is applied by a program that does not know what it means (U2 to U4 of SPEC.md).
 */
import { allMembers } from "../../core/conf-state.ts";
import type { ConfState, Entry, MemberId } from "../../core/types.ts";
import type { Ledger, ObservedWrite } from "../ledger.ts";
import { type Checker, expect } from "./checker.ts";
import { stepsOf } from "./conf-steps.ts";

export interface ProgramTruth {
  /** The newest level that the program which runs there understands. */
  newestOf(id: MemberId): number;
  /** The level that whoever proposed the entry took it to need. */
  versionOf(entry: Entry): number;
}

export class LevelSteps implements Checker {
  readonly name = "level-steps";
  readonly #ledger: Pick<Ledger, "issued">;
  readonly #truth: ProgramTruth;

  constructor(ledger: Pick<Ledger, "issued">, truth: ProgramTruth) {
    this.#ledger = ledger;
    this.#truth = truth;
  }

  issued(id: MemberId, write: ObservedWrite): void {
    for (const { before, after } of stepsOf(this.#ledger, id, write)) {
      this.#check(id, before, after);
    }
  }

  #check(id: MemberId, before: ConfState | undefined, { level = 0, ...conf }: ConfState): void {
    const last = before?.level ?? 0;
    expect(level >= last, this, () => `${id} goes from level ${last} to ${level}`);
    for (const member of allMembers(conf)) {
      const newest = this.#truth.newestOf(member);
      expect(
        newest >= level,
        this,
        () => `${id} is at ${level}, ${member} knows ${newest} at most`,
      );
    }
  }

  applied(id: MemberId, entry: Entry): void {
    const version = this.#truth.versionOf(entry);
    const newest = this.#truth.newestOf(id);
    expect(newest >= version, this, () => `${id} knows ${newest} and applies ${version}`);
  }
}
