/**
 * Why something waits (DESIGN §12.6): a graph of reasons from one snapshot. Its nodes are subjects,
 * its edges "waits for"; the chain is one path through it, from what was asked about to the root.
 */
import { whyKept } from "@drover/control";
import { type Reason, type StateReader, type Subject, subjectKey } from "@drover/model";
import { chainOf } from "./chain.ts";
import { ReasonFinder } from "./reasons-of.ts";

export interface Explanation {
  readonly subject: Subject;
  /** Of everything that can be reached, nearest first; empty = nothing waits. */
  readonly reasons: readonly Reason[];
  /** From the subject to the root cause. */
  readonly chain: readonly Reason[];
  /** It has ended, and is there still: for what or until when; null = it has not, or goes next. */
  readonly kept: Reason | null;
}

/** What is known beside the state, by the key of its subject: replaces what the state shows. */
export type LiveReasons = ReadonlyMap<string, readonly Reason[]>;

interface ExplainInput {
  readonly state: StateReader;
  readonly subject: Subject;
  readonly now: number;
  readonly live?: LiveReasons;
}

/** So many reasons are told at most: an answer is read by people. */
const REASONS_MAX = 200;

export function explain({ live, now, state, subject }: ExplainInput): Explanation {
  const finder = new ReasonFinder({ state, now, live: live ?? new Map() });
  const reasons: Reason[] = [];
  const seen = new Set([subjectKey(subject)]);
  const queue = [subject];
  for (let at = queue.shift(); at && reasons.length < REASONS_MAX; at = queue.shift()) {
    for (const reason of finder.of(at)) {
      reasons.push(reason);
      for (const next of reason.waitsFor) {
        if (seen.has(subjectKey(next))) continue;
        seen.add(subjectKey(next));
        queue.push(next);
      }
    }
  }
  const chain = chainOf(subject, (each) => finder.of(each));
  return { subject, reasons, chain, kept: whyKept(state, subject, now) };
}
