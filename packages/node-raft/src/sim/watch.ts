/** Where members report what they do; passes it to the ledger, the trace and every checker. */
import type { Entry, MemberId, Message, SnapshotMeta } from "../core/types.ts";
import type { Checker, MemberView } from "./checkers/checker.ts";
import { CommitAgreement } from "./checkers/commit-agreement.ts";
import { ConfSteps } from "./checkers/conf-steps.ts";
import { Durability } from "./checkers/durability.ts";
import { ElectionSafety } from "./checkers/election-safety.ts";
import { LeaderCompleteness } from "./checkers/leader-completeness.ts";
import { LogMatching } from "./checkers/log-matching.ts";
import { Monotonic } from "./checkers/monotonic.ts";
import { OneVote } from "./checkers/one-vote.ts";
import { StateMachineSafety } from "./checkers/state-machine-safety.ts";
import { digestEntry } from "./digest.ts";
import { type DiskContent, Ledger, type ObservedWrite } from "./ledger.ts";
import type { Trace } from "./trace.ts";

export class Watch {
  readonly ledger = new Ledger();
  readonly #trace: Trace;
  readonly #checkers: Checker[];

  constructor(trace: Trace) {
    this.#trace = trace;
    const { ledger } = this;
    this.#checkers = [
      new CommitAgreement(ledger),
      new ElectionSafety(),
      new OneVote(),
      new LogMatching(ledger),
      new LeaderCompleteness(ledger),
      new StateMachineSafety(),
      new Monotonic(),
      new ConfSteps(ledger),
      new Durability(ledger),
    ];
  }

  /** One that only some runs have. */
  add(checker: Checker): void {
    this.#checkers.push(checker);
  }

  booted(id: MemberId, content: DiskContent): void {
    const { hardState, entries, snapshot } = content;
    const term = hardState?.term ?? 0;
    this.#trace.note("boot", id, term, hardState?.vote ?? "", entries.length, snapshot?.index ?? 0);
    for (const checker of this.#checkers) checker.booted?.(id, content);
    this.ledger.booted(id, content);
  }

  issued(id: MemberId, write: ObservedWrite): void {
    const { hardState, entries, snapshot } = write;
    const { term, vote } = hardState ?? { term: 0, vote: "" };
    this.#trace.note("write", id, write.seq, term, vote, snapshot?.index ?? 0, entries.length);
    for (const entry of entries)
      this.#trace.note("entry", entry.index, entry.term, digestEntry(entry));
    for (const checker of this.#checkers) checker.issued?.(id, write);
    this.ledger.write(this.ledger.issued, id, write);
  }

  durable(id: MemberId, write: ObservedWrite): void {
    this.#trace.note("sync", id, write.seq);
    for (const checker of this.#checkers) checker.durable?.(id, write);
    this.ledger.write(this.ledger.durable, id, write);
  }

  sent(message: Message): void {
    this.#trace.message("send", message);
    for (const checker of this.#checkers) checker.sent?.(message);
  }

  applied(id: MemberId, entry: Entry, chain: number): void {
    this.#trace.note("apply", id, entry.index, entry.term, chain);
    for (const checker of this.#checkers) checker.applied?.(id, entry, chain);
  }

  restored(id: MemberId, index: number, chain: number): void {
    this.#trace.note("restore", id, index, chain);
    for (const checker of this.#checkers) checker.restored?.(id, index, chain);
  }

  quarantined(id: MemberId): void {
    this.#trace.note("quarantine", id);
    for (const checker of this.#checkers) checker.quarantined?.(id);
  }

  /** A snapshot of its own is on its disk. */
  stored(id: MemberId, meta: SnapshotMeta): void {
    this.#trace.note("snapshot", id, meta.index, meta.term, JSON.stringify(meta.conf));
  }

  compacted(id: MemberId, index: number): void {
    this.#trace.note("compact", id, index);
  }

  state(view: MemberView): void {
    for (const checker of this.#checkers) checker.state?.(view);
  }
}
