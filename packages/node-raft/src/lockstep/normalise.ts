/**
 * Where the two are different on purpose and made equal on our side. The numbers are those of the
 * table in ../../ORACLE.md, which has the reasons; the other side's are in oracle/normalise.go.
 */
import { allMembers, isJoint, isVoter } from "../core/conf-state.ts";
import type { CoreStatus } from "../core/options.ts";
import type { Message } from "../core/types.ts";
import type { Settings } from "./schedule.ts";
import type { WireMessage } from "./wire.ts";

export interface Receivers {
  readonly who: "both" | "ours" | "neither";
  /** Why not both. */
  readonly rule?: string;
}

/** What the member has to do with reads. */
export interface ReadsAt {
  /** Those that it has asked its leader for and not given up, by their number on the wire. */
  readonly forwarded: ReadonlySet<number>;
  /** As a leader it would answer one more at another moment than its double (N27, N30). */
  readonly unlike: boolean;
}

/** Who gets a message that arrives at the member. */
export function receiversOf(message: WireMessage, at: CoreStatus, reads: ReadsAt): Receivers {
  const isReply = message.type.endsWith("Reply");
  if (isReply && !allMembers(at.conf).includes(message.from)) {
    // Not looked at there, not even its term.
    return { who: "neither", rule: "N10 answer of one outside the configuration" };
  }
  if (message.type === "readIndex") {
    const asLeader = at.role === "leader" && message.term === at.term && !reads.unlike;
    return asLeader ? { who: "both" } : { who: "neither", rule: "N27 read asked of no leader" };
  }
  if (message.type === "readIndexReply") {
    const { from, term, requestId } = message;
    const awaited = term === at.term && from === at.leader && reads.forwarded.has(requestId);
    return awaited ? { who: "both" } : { who: "neither", rule: "N28 answer to no read" };
  }
  if (message.type === "timeoutNow" && message.term >= at.term) {
    const campaigns = at.role === "preCandidate" || at.role === "candidate";
    const alike = isVoter(at.conf, at.id) && !(campaigns && message.term === at.term);
    if (!alike) return { who: "neither", rule: "N8 transfer to a candidate or non-voter" };
  }
  if (message.type === "preVoteReply" && message.granted && at.role === "preCandidate") {
    const counts = message.term === at.term + 1 || message.term < at.term;
    if (!counts) return { who: "ours", rule: "N9 pre-vote for another term than the next" };
  }
  if (message.type === "snapshot" && !allMembers(message.meta.conf).includes(at.id)) {
    return { who: "neither", rule: "N13 snapshot in which its receiver has no part" };
  }
  return { who: "both" };
}

/**
 * N11: what is committed of configurations is applied at once by who leads or may campaign, as they
 * count when applied there.
 */
export function mustApply({ changes }: Settings, { role, applied, commit }: CoreStatus): boolean {
  return changes && (role === "leader" || applied < commit);
}

/** N14: who is not known to vote is left in peace, as here it may still have to campaign. */
export function mayTick({ conf, id }: CoreStatus): boolean {
  return isVoter(conf, id);
}

/** N15: from here on they differ; the schedule ends. */
export function isLeaderLeaving(before: CoreStatus, after: CoreStatus): boolean {
  return (before.role === "leader" || after.role === "leader") && !isVoter(after.conf, after.id);
}

/** N16: one thing at a time, as the joint configuration is not left during a transfer there. */
export function mayTransfer({ conf, confIndex, commit }: CoreStatus): boolean {
  return !isJoint(conf) && confIndex <= commit;
}

/** What one member said and has not been compared yet. */
export class Said {
  readonly #promises = new Words();
  readonly #others = new Words();
  readonly #toldByUs = new Set<string>();
  readonly #toldByThem = new Set<string>();
  #exempt: string[] = [];

  /** `input`: the message that our side answers, if it was one; `at`: the member before it. */
  add(ours: readonly Message[], theirs: readonly Message[], turn: Turn): void {
    for (const message of ours) {
      const said = ourWords(message, turn).filter((each) => isNew(message, each, this.#toldByUs));
      this.#wordsOf(message).ours.push(...said);
    }
    for (const message of theirs) {
      const said = words(message).filter((each) => isNew(message, each, this.#toldByThem));
      this.#wordsOf(message).theirs.push(...said);
    }
    const { input, at } = turn;
    // N17: a pre-vote for our own term is refused here.
    if (input?.type === "preVote" && input.term === at.term) this.#exempt.push(input.from);
  }

  forget(): void {
    this.#promises.forget();
    this.#others.forget();
    this.#toldByUs.clear();
    this.#toldByThem.clear();
    this.#exempt = [];
  }

  /**
   * null: the same. Promises are compared at once, as they may neither come before they are durable
   * nor be held back longer; the others when nothing waits for the disk (N18).
   */
  difference(quiet: boolean): string | null {
    const promises = this.#promises.difference();
    if (promises !== null || !quiet) return promises;
    this.#exemptPreVotes();
    return this.#others.difference();
  }

  #wordsOf(message: Message): Words {
    const { type } = message;
    const isPromise =
      type === "vote" ||
      (type === "voteReply" && message.granted) ||
      (type === "appendReply" && message.ok && message.index > 0);
    return isPromise ? this.#promises : this.#others;
  }

  #exemptPreVotes(): void {
    const { ours, theirs } = this.#others;
    for (const to of this.#exempt) {
      const granted = without(theirs, ours).find((each) =>
        each.startsWith(`preVoteReply ${to} yes`),
      );
      if (granted !== undefined) theirs[theirs.indexOf(granted)] = `preVoteReply ${to} no`;
    }
    this.#exempt = [];
  }
}

class Words {
  ours: string[] = [];
  theirs: string[] = [];

  difference(): string | null {
    const { ours, theirs } = this;
    this.forget();
    const more = [without(ours, theirs), without(theirs, ours)].map((list) => list.join(", "));
    if (more[0] === "" && more[1] === "") return null;
    return `we said [${more[0]}], they [${more[1]}] beyond`;
  }

  forget(): void {
    this.ours = [];
    this.theirs = [];
  }
}

/** One command to one member. */
export interface Turn {
  readonly input: Message | null;
  readonly at: CoreStatus;
}

/** N19: answers to messages of an earlier term have forms of their own. */
function ourWords(message: Message, { input, at }: Turn): string[] {
  if (input !== null && input.term < at.term && message.to === input.from) {
    if (input.type === "append" || input.type === "heartbeat") {
      return [`nothing ${message.to} ${message.term}`];
    }
    if (input.type === "snapshot" || input.type === "vote") return [];
  }
  return words(message);
}

function words(message: Message): string[] {
  const { type, to, term } = message;
  switch (type) {
    case "append":
    case "snapshot":
      // N20: what is sent when is each side's own flow control; what comes of it is compared.
      return [];
    case "appendReply":
      if (!message.ok) {
        const { index, hintIndex, hintTerm } = message;
        return [`refusal ${to} ${term} ${index} ${hintIndex} ${hintTerm}`];
      }
      return [
        message.index === 0
          ? `nothing ${to} ${term}`
          : `acknowledgement ${to} ${term} ${message.index}`,
      ];
    case "heartbeat":
      return [`heartbeat ${to} ${term} ${message.commit}`];
    case "preVote":
    case "vote": {
      const { lastIndex, lastTerm, forced } = message;
      return [`${type} ${to} ${term} ${lastIndex} ${lastTerm} ${forced}`];
    }
    case "preVoteReply":
      // N21: a refusal has our term here, or the one before that which was asked for.
      return [`preVoteReply ${to} ${message.granted ? `yes ${term}` : "no"}`];
    case "voteReply":
      return [`voteReply ${to} ${term} ${message.granted}`];
    case "heartbeatReply":
      return [`heartbeatReply ${to} ${term} ${message.readSeq}`];
    case "readIndex":
      return [`readIndex ${to} ${term} ${message.requestId}`];
    case "readIndexReply":
      return [`readIndexReply ${to} ${term} ${message.requestId} ${message.index}`];
    case "timeoutNow":
      return [`timeoutNow ${to} ${term}`];
    default:
      // transferRefused (N6).
      return [];
  }
}

/** N22: a transfer's target may be told again, by an answer that brings no news. */
function isNew({ type }: Message, said: string, told: Set<string>): boolean {
  if (type !== "timeoutNow") return true;
  const known = told.has(said);
  told.add(said);
  return !known;
}

/** The items of `list` that `other` has not, counting repetitions. */
function without(list: readonly string[], other: readonly string[]): string[] {
  const left = [...other];
  return list.filter((each) => {
    const at = left.indexOf(each);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
