/**
 * Why something waits (DESIGN §12.6): a graph of reasons from one snapshot. Its nodes are subjects,
 * its edges "waits for"; the chain is one path through it, from what was asked about to the root.
 */
import { whyKept } from "@drover/control";
import {
  LEADER,
  OPERATOR,
  type Reason,
  Rule,
  type StateReader,
  type Subject,
  subjectKey,
  waitsFor,
} from "@drover/model";
import { endOf } from "@drover/scheduler";
import { chainOf } from "./chain.ts";
import { dryRun } from "./dry-run.ts";
import { type DryRuns, type LiveReasons, ReasonFinder } from "./reasons-of.ts";

export interface Explanation {
  readonly subject: Subject;
  /** Of everything that can be reached, nearest first; empty = nothing waits. */
  readonly reasons: readonly Reason[];
  /** From the subject to the root cause. */
  readonly chain: readonly Reason[];
  /** It has ended, and is there still: for what or until when; null = it has not, or goes next. */
  readonly kept: Reason | null;
}

interface ExplainInput {
  readonly state: StateReader;
  readonly subject: Subject;
  readonly now: number;
  readonly live?: LiveReasons;
  /** Those made before on the same snapshot; the others are added. */
  readonly dryRuns?: DryRuns;
}

/** So many reasons are told at most: an answer is read by people. */
const REASONS_MAX = 200;

export function explain(input: ExplainInput): Explanation {
  return endOf(explainInSlices(input));
}

/** The same, for who must not keep others waiting (DESIGN §7): it may be left at each yield. */
export function* explainInSlices(input: ExplainInput): Generator<void, Explanation, void> {
  const { now, state } = input;
  const dryRuns: DryRuns = input.dryRuns ?? new Map();
  for (;;) {
    const finder = new ReasonFinder({ state, now, live: input.live ?? new Map(), dryRuns });
    const found = walk(finder, input);
    if (finder.missing.size === 0) return found;
    // Each round makes what the one before lacked: jobs wait for few others.
    for (const [key, ref] of finder.missing) dryRuns.set(key, yield* dryRun(state, ref, now));
    yield;
  }
}

function walk(finder: ReasonFinder, { now, state, subject }: ExplainInput): Explanation {
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

/** Whatever it waits for besides, nothing is decided before there is a leader again. */
export function withoutLeader(found: Explanation, index: number): Explanation {
  const { subject } = found;
  const held = waitsFor(
    {
      rule: Rule.noLeader,
      subject,
      text: "no leader is known: nothing is decided, and this is what was known last",
      evidence: { index: String(index) },
    },
    LEADER,
  );
  const lost = waitsFor(
    {
      rule: Rule.noLeader,
      subject: LEADER,
      text: "there is none: a majority of the servers must reach each other to elect one",
      hint: "drover server members, and look after those that are not alive",
    },
    OPERATOR,
  );
  return { ...found, reasons: [held, lost, ...found.reasons], chain: [held, lost] };
}
