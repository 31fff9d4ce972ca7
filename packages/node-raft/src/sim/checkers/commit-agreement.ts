/**
 * There is one history of committed entries, nobody disagrees with it, and each entry was durable
 * on a quorum of the configuration in force when it was first seen committed (RAFT.md §4.8).
 * Extends the ledger's history, so it runs before the checkers that read it.
 */
import { jointVote } from "../../core/quorum.ts";
import type { MemberId } from "../../core/types.ts";
import type { Ledger, LogMirror } from "../ledger.ts";
import { type Checker, expect, type MemberView } from "./checker.ts";

const UNWRITTEN_LOOKS_MAX = 8;

/** How far one life of a member was looked at. */
interface Seen {
  readonly life: number;
  /** Up to where it was compared. */
  readonly to: number;
  /** Looks in a row at which it had committed what it had not given to its disk. */
  readonly unwritten: number;
}

export class CommitAgreement implements Checker {
  readonly name = "commit-agreement";
  readonly #ledger: Ledger;
  readonly #seen = new Map<MemberId, Seen>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  state(view: MemberView): void {
    const { id, life, commit } = view;
    const before = this.#seen.get(id);
    const seen = before?.life === life ? before : { life, to: 0, unwritten: 0 };
    if (commit <= seen.to) return;
    const log = this.#ledger.issued.get(id);
    if (log === undefined) return;
    // A driver does something else between a message and the turn in which it is written.
    const isWritten = commit <= log.baseIndex || log.slotAt(commit) !== undefined;
    const unwritten = isWritten ? 0 : seen.unwritten + 1;
    const isEarly = unwritten > 0 && unwritten <= UNWRITTEN_LOOKS_MAX;
    this.#seen.set(id, { life, to: isEarly ? seen.to : commit, unwritten });
    if (isEarly) return;
    this.#checkBase(view, log);
    for (let index = Math.max(seen.to, log.baseIndex) + 1; index <= commit; index += 1) {
      this.#compare(view, log, index);
    }
  }

  /** A snapshot holds committed entries only. */
  #checkBase(view: MemberView, log: LogMirror): void {
    if (log.baseIndex === 0) return;
    const committed = this.#ledger.committedAt(log.baseIndex);
    expect(committed?.term === log.baseTerm, this, () => {
      const snapshot = `${view.id} has a snapshot at ${log.baseIndex} of term ${log.baseTerm}`;
      return `${snapshot}, committed there is term ${committed?.term}`;
    });
  }

  #compare(view: MemberView, log: LogMirror, index: number): void {
    const slot = log.slotAt(index);
    expect(slot !== undefined, this, () => `${view.id} commits ${index}, which it does not hold`);
    if (slot === undefined) return;
    const committed = this.#ledger.committedAt(index);
    if (committed === undefined) {
      // The very first entry is written by all alike before there is a leader.
      if (index > 1) this.#checkQuorum(view, index, slot.term);
      this.#ledger.committed.push({ ...slot, committedIn: view.term });
      return;
    }
    expect(committed.term === slot.term && committed.digest === slot.digest, this, () => {
      const before = `another of term ${committed.term} was committed before`;
      return `${view.id} commits ${index} of term ${slot.term}, ${before}`;
    });
  }

  #checkQuorum(view: MemberView, index: number, term: number): void {
    const holds = (id: MemberId) => {
      const disk = this.#ledger.durable.get(id);
      if (disk === undefined) return false;
      return disk.baseIndex >= index || disk.termAt(index) === term;
    };
    const { voters, votersOutgoing } = view.conf;
    const result = jointVote(voters, votersOutgoing, holds);
    expect(result === "won", this, () => {
      const holders = [...this.#ledger.durable.keys()].filter(holds);
      const what = `${view.id} commits ${index} of term ${term} in term ${view.term}`;
      return `${what}, durable on [${holders}] of voters [${voters}] [${votersOutgoing}]`;
    });
  }
}
