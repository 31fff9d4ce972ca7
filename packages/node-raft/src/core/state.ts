/**
 * The whole state of one member. The duties (election.ts, replication.ts, …) are functions over it;
 * each field names the one that writes it.
 */

import { assert } from "./assert.ts";
import { ConfHistory } from "./conf-history.ts";
import { decodeConf, emptyConf } from "./conf-state.ts";
import { RaftLog } from "./log.ts";
import type { CoreInitial, CoreLimits, CoreOptions, RandomSource } from "./options.ts";
import { Outbox } from "./outbox.ts";
import type { Progress } from "./progress.ts";
import { ReadQueue } from "./read-queue.ts";
import type { ConfState, Entry, HardState, MemberId, SnapshotMeta } from "./types.ts";
import { EntryKind } from "./types.ts";

export type ActiveRole = "follower" | "preCandidate" | "candidate" | "leader";

export class CoreState {
  readonly id: MemberId;
  readonly limits: CoreLimits;
  readonly random: RandomSource;

  // roles.ts
  role: ActiveRole = "follower";
  term: number;
  vote: MemberId | "";
  leader: MemberId | "" = "";
  readonly votes = new Map<MemberId, boolean>();

  // Times in ticks; ticks counts up for ever, the others are reset by what they measure.
  ticks = 0;
  electionElapsed = 0;
  heartbeatElapsed = 0;
  electionTimeout = 0;

  /** What this member holds must not be served: it never campaigns (raft.ts). */
  standsAside = false;

  /** Leases are kept; the tick of what a leader said last, or of our start (follower.ts). */
  readonly leases: boolean;
  heardLeaderAtTick = 0;

  /** The leader whose crash we saw ourselves (crash-hint.ts); "" = none. */
  crashedLeader: MemberId | "" = "";
  /** Ticks until we campaign because of it; -1 = not planned. */
  crashCampaignIn = -1;

  readonly log: RaftLog;
  readonly confs: ConfHistory;
  readonly outbox: Outbox;

  // Leader only: replication.ts, transfer.ts, read-index.ts.
  readonly tracker = new Map<MemberId, Progress>();
  transfer: { readonly to: MemberId; readonly startedAtTick: number } | null = null;
  uncommittedBytes = 0;
  readonly reads: ReadQueue;

  // snapshots.ts
  applied: number;
  snapshot: SnapshotMeta | null;
  /** Index of the snapshot that the state machine is being restored from; 0 = none. */
  installing = 0;

  constructor(options: CoreOptions) {
    const { initial } = options;
    this.id = options.id;
    this.limits = options.limits;
    this.leases = options.leases ?? false;
    this.random = options.random;
    this.reads = new ReadQueue(options.random);
    const hard: HardState = initial.hardState ?? { term: 0, vote: "", commit: 0 };
    this.term = hard.term;
    this.vote = hard.vote;
    this.snapshot = initial.snapshot;
    this.outbox = new Outbox(hard);
    const restored = restoreLog(initial, hard.commit);
    this.log = restored.log;
    this.confs = restored.confs;
    this.applied = this.log.applying;
    if (restored.restartAfter !== null) {
      this.outbox.installSnapshot(restored.restartAfter);
      this.installing = restored.restartAfter.index;
    }
    assert(this.term >= this.log.lastTerm, () => `term ${this.term} below the log's`);
  }

  get conf(): ConfState {
    return this.confs.current;
  }

  hardState(): HardState {
    return { term: this.term, vote: this.vote, commit: this.log.commit };
  }

  /** The only way into the log: a config entry is in force from here on. */
  appendEntry(entry: Entry): void {
    this.log.append(entry);
    if (entry.kind === EntryKind.config) this.confs.push(entry.index, decodeConf(entry.data));
  }

  truncateFrom(index: number): void {
    this.log.truncateFrom(index);
    this.confs.truncateFrom(index);
    this.outbox.voidFrom(index);
  }
}

interface RestoredLog {
  readonly log: RaftLog;
  readonly confs: ConfHistory;
  /** Set when the entries on disk do not continue the snapshot: the log must restart after it. */
  readonly restartAfter: SnapshotMeta | null;
}

function restoreLog(initial: CoreInitial, commit: number): RestoredLog {
  const { snapshot, entries } = initial;
  const snapshotIndex = snapshot?.index ?? 0;
  const first = entries[0];
  const log = baseLog(snapshot, first);
  const connected =
    first === undefined ||
    snapshot === null ||
    first.index === snapshotIndex + 1 ||
    entries[snapshotIndex - first.index]?.term === snapshot.term;
  const usable = connected ? entries.filter((entry) => entry.index >= log.firstIndex) : [];
  const restarted =
    connected || snapshot === null ? log : new RaftLog(snapshotIndex, snapshot.term);
  const confs = new ConfHistory({ index: snapshotIndex, conf: snapshot?.conf ?? emptyConf });
  for (const entry of usable) {
    restarted.append(entry);
    if (entry.kind === EntryKind.config && entry.index > snapshotIndex) {
      confs.push(entry.index, decodeConf(entry.data));
    }
  }
  restarted.applying = snapshotIndex;
  restarted.commit = snapshotIndex;
  restarted.commitTo(commit);
  restarted.stable = connected ? restarted.lastIndex : 0;
  restarted.issued = restarted.lastIndex;
  return { log: restarted, confs, restartAfter: connected ? null : snapshot };
}

/** Where the log starts: its first entry only lends its term when it is not the very first. */
function baseLog(snapshot: SnapshotMeta | null, first: Entry | undefined): RaftLog {
  const snapshotIndex = snapshot?.index ?? 0;
  if (first === undefined || first.index === snapshotIndex + 1) {
    return new RaftLog(snapshotIndex, snapshot?.term ?? 0);
  }
  assert(
    first.index <= snapshotIndex || first.index === 1,
    () => `the log starts at ${first.index}, after the snapshot at ${snapshotIndex}`,
  );
  return first.index === 1 ? new RaftLog(0, 0) : new RaftLog(first.index, first.term);
}
