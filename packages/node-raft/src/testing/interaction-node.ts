/**
 * One member of an interaction script: a core, its disk, and what it has to do. Each input is a
 * turn of its own, so that the core speaks when the one of etcd does; what the turns want done is
 * kept until the script has the member's "Ready" handled, or its disk's thread.
 */
import { emptyConf } from "../core/conf-state.ts";
import type { CoreLimits } from "../core/options.ts";
import { RaftCore } from "../core/raft.ts";
import type { Append, ConfState, Entry, MemberId, Message } from "../core/types.ts";
import { type TestDisk, writeTo } from "./core-cluster.ts";
import {
  describeEntry,
  describeMessage,
  describeRole,
  describeSnapshot,
} from "./interaction-text.ts";

export const ELECTION_TICKS = 3;

export interface NodeOptions {
  readonly id: MemberId;
  /** null: knows of nobody and holds nothing. */
  readonly start: { readonly index: number; readonly conf: ConfState } | null;
  readonly inflight: number;
  /** The script has the disk and the state machine work beside the member. */
  readonly async: boolean;
}

/** What the disk or the state machine reports back to its member, in its turn. */
export interface Report {
  readonly to: MemberId;
  readonly report: () => void;
}

/** After the writes of the same step: what promises something. */
const PROMISES: readonly Message["type"][] = ["appendReply", "voteReply", "preVoteReply"];

export class InteractionNode {
  readonly id: MemberId;
  readonly core: RaftCore;
  readonly disk: TestDisk;
  readonly #async: boolean;
  #send: Message[] = [];
  #appends: Append[] = [];
  #apply: Entry[] = [];
  readonly #appendWork: Append[][] = [];
  readonly #applyWork: Entry[][] = [];
  #soft = "Lead:0 State:StateFollower";
  #hard: string;

  constructor({ id, start, inflight, async }: NodeOptions) {
    this.id = id;
    this.#async = async;
    const snapshot = start === null ? null : { index: start.index, term: 0, conf: start.conf };
    const hardState = start === null ? null : { term: 0, vote: "" as const, commit: start.index };
    this.disk = { hardState, snapshot, entries: [] };
    const limits: CoreLimits = {
      heartbeatTicks: 1,
      electionTicksMin: ELECTION_TICKS,
      electionTicksMax: ELECTION_TICKS + 2,
      inflightMessagesMax: inflight,
      inflightBytesMax: Number.MAX_SAFE_INTEGER,
      messageBytesMax: Number.MAX_SAFE_INTEGER,
      uncommittedBytesMax: Number.MAX_SAFE_INTEGER,
    };
    // The longest time-out, always: nobody campaigns unless the script says so.
    const random = { int: (bound: number) => bound - 1 };
    this.core = new RaftCore({ id, limits, random, initial: { ...this.disk, entries: [] } });
    this.#hard = this.#describeHard();
  }

  /** One input, and the end of its turn. */
  input(give: (core: RaftCore) => void): void {
    give(this.core);
    this.#collect();
  }

  hasReady(): boolean {
    const work = this.#send.length + this.#appends.length + this.#apply.length;
    return work > 0 || this.#describeSoft() !== this.#soft || this.#describeHard() !== this.#hard;
  }

  hasAppendWork(): boolean {
    return this.#appendWork.length > 0;
  }

  hasApplyWork(): boolean {
    return this.#applyWork.length > 0;
  }

  /** Does what there is to do; returns what it says to others and a description. */
  processReady(): { readonly messages: Message[]; readonly text: string } {
    const lines: string[] = [];
    const soft = this.#describeSoft();
    const hard = this.#describeHard();
    if (soft !== this.#soft) lines.push(soft);
    if (hard !== this.#hard) lines.push(hard);
    this.#soft = soft;
    this.#hard = hard;
    const appends = this.#appends;
    lines.push(...describeAppends(appends));
    const { messages, applied } = this.#async ? this.#handOver(appends) : this.#perform(appends);
    if (applied.length > 0) lines.push("CommittedEntries:", ...applied.map(describeEntry));
    lines.push("Messages:", ...messages.map(describeMessage));
    return { messages, text: lines.join("\n") };
  }

  /** One write of the disk's thread. */
  processAppend(): { readonly messages: Message[]; readonly text: string; readonly done: Report } {
    const appends = this.#appendWork.shift() ?? [];
    for (const append of appends) writeTo(this.disk, append);
    const messages = inOrder(appends.flatMap((append) => append.onDurable));
    const text = messages.map(describeMessage).join("\n");
    return { messages, text, done: { to: this.id, report: () => this.#durable(appends) } };
  }

  processApply(): Report {
    const entries = this.#applyWork.shift() ?? [];
    return { to: this.id, report: () => this.#applied(entries) };
  }

  /** Forgets the log up to `index`, behind a snapshot of everything applied. */
  compact(index: number): void {
    this.disk.entries = this.disk.entries.filter((entry) => entry.index > index);
    this.disk.snapshot = this.core.snapshotMeta(this.core.status().applied);
    this.core.compacted(index);
  }

  logText(): string {
    const { entries } = this.disk;
    if (entries.length > 0) return entries.map(describeEntry).join("\n");
    const { firstIndex, lastIndex } = this.core.status();
    return `log is empty: first index=${firstIndex}, last index=${lastIndex}`;
  }

  #collect(): void {
    const { send, appends, apply } = this.core.takeEffects();
    this.#send.push(...send);
    this.#appends.push(...appends);
    this.#apply.push(...apply);
  }

  /** Writes and applies at once; what that leads to is the next Ready's. */
  #perform(appends: readonly Append[]): { messages: Message[]; applied: Entry[] } {
    const { commit } = this.core.status();
    const messages = inOrder([...this.#send, ...appends.flatMap((append) => append.onDurable)]);
    this.#send = [];
    for (const append of appends) writeTo(this.disk, append);
    this.#appends = [];
    this.#durable(appends);
    const applied = this.#apply.filter((entry) => entry.index <= commit);
    this.#apply = this.#apply.filter((entry) => entry.index > commit);
    this.#applied(applied);
    return { messages, applied };
  }

  /**
   * etcd sends vote requests before the disk holds the term, we after it (rule E13): so that the
   * script can go on, the disk is quick here.
   */
  #handOver(appends: Append[]): { messages: Message[]; applied: Entry[] } {
    if (appends.some(asksForVotes)) return this.#perform(appends);
    const applied = this.#apply;
    const messages = inOrder(this.#send);
    this.#send = [];
    this.#appends = [];
    this.#apply = [];
    if (appends.length > 0) this.#appendWork.push(appends);
    if (applied.length > 0) this.#applyWork.push(applied);
    return { messages, applied };
  }

  #durable(appends: readonly Append[]): void {
    for (const append of appends) {
      this.core.durable(append);
      if (append.snapshot !== null) this.core.snapshotInstalled(append.snapshot.index);
    }
    this.#collect();
  }

  #applied(entries: readonly Entry[]): void {
    const last = entries.at(-1);
    if (last === undefined) return;
    this.core.applied(last.index);
    // As with etcd's storage in memory: the newest snapshot is the present state.
    this.core.snapshotTaken(this.core.snapshotMeta(last.index));
    this.#collect();
  }

  #describeSoft(): string {
    const { leader, role } = this.core.status();
    return `Lead:${leader || 0} State:${describeRole(role)}`;
  }

  #describeHard(): string {
    const { term, vote, commit } = this.core.status();
    return `HardState Term:${term}${vote === "" ? "" : ` Vote:${vote}`} Commit:${commit}`;
  }
}

export function startConf(voters: readonly MemberId[], learners: readonly MemberId[]): ConfState {
  return { ...emptyConf, voters, learners };
}

function describeAppends(appends: readonly Append[]): string[] {
  const disk: TestDisk = { hardState: null, snapshot: null, entries: [] };
  for (const append of appends) writeTo(disk, append);
  const lines = disk.entries.length > 0 ? ["Entries:", ...disk.entries.map(describeEntry)] : [];
  if (disk.snapshot !== null) lines.push(`Snapshot ${describeSnapshot(disk.snapshot)}`);
  return lines;
}

function asksForVotes({ onDurable }: Append): boolean {
  return onDurable.some(({ type }) => type === "vote");
}

function inOrder(messages: readonly Message[]): Message[] {
  const isPromise = ({ type }: Message) => PROMISES.includes(type);
  return [...messages.filter((m) => !isPromise(m)), ...messages.filter(isPromise)];
}
