/**
 * For an operator whose cluster lost its quorum for good: one stopped member's log becomes the
 * beginning of a cluster of other voters (RAFT.md §4.2 `recoverCluster`). Offline.
 *
 * What only the lost members had is lost, and what this one had is kept, acknowledged or not. The
 * cluster gets a new id: a lost member that turns up after all, with others of its kind perhaps a
 * quorum of the old configuration, is refused by everyone instead of leading them back.
 *
 * Nothing is changed in place. The new directory is built beside the old one and takes its name
 * when it is complete; the old one stays under another name.
 */
import * as fs from "node:fs";
import { dirname } from "node:path";
import { allMembers, decodeConf, emptyConf, encodeConf, levelOf } from "../core/conf-state.ts";
import type { ConfState, Entry, MemberId, SnapshotMeta } from "../core/types.ts";
import { EntryKind } from "../core/types.ts";
import { RaftError } from "../node/api.ts";
import { DiskStore } from "./disk-store.ts";
import { nodeVfs } from "./node-vfs.ts";
import { snapshotName } from "./snapshot-store.ts";
import { type Quarantine, type StorageState, whenItDiffered } from "./storage.ts";

/** What a stopped member's directory holds; compare several, and recover the one with the most. */
export interface StoppedMember {
  readonly memberId: MemberId;
  readonly clusterId: string;
  readonly term: number;
  /** Known to be committed. */
  readonly commit: number;
  readonly lastIndex: number;
  /** Term of the entry at `lastIndex`: the higher one is newer, whatever the length. */
  readonly lastTerm: number;
  readonly conf: ConfState;
  /** null = nothing is known against the state that its log makes. */
  readonly quarantine: Quarantine | null;
  /** What recovery of the log found, e.g. a torn write that was cut; and a quarantine. */
  readonly notes: readonly string[];
}

export interface Recovery {
  readonly before: StoppedMember;
  readonly clusterId: string;
  /** Index of the entry that names the new voters. */
  readonly confIndex: number;
  /** Members of the old configuration that are in the new one no more: wipe them. */
  readonly left: readonly MemberId[];
  /** The directory as it was. */
  readonly backupDir: string;
}

/** Epoch of a cluster that was recovered, 0 of one that never was: later recoveries have higher. */
export function recoveryEpoch(clusterId: string): number {
  const at = clusterId.lastIndexOf("+");
  return at < 0 ? 0 : Number(clusterId.slice(at + 1));
}

/** The id that the cluster was formed under. */
export function originalClusterId(clusterId: string): string {
  const at = clusterId.lastIndexOf("+");
  return at < 0 ? clusterId : clusterId.slice(0, at);
}

/** Whether a member lives there, or will when a recovery that was cut off is asked for again. */
export function holdsMember(dataDir: string): boolean {
  return fs.existsSync(`${placeOf(dataDir)}/id.json`);
}

/** Throws `RaftError`: "io" while a process holds the directory, "corrupt" when it is damaged. */
export function inspectMember(dataDir: string): StoppedMember {
  const { store, state } = openStopped(placeOf(dataDir));
  store.close();
  return describe(state);
}

/**
 * `voters` is the member itself, with the address under which others will reach it; they join it
 * anew. Two old logs cannot both be the beginning: where they differ, the same new entry would
 * follow different ones. Throws as `inspectMember`, and "refused" for any other list, and for a
 * member in quarantine (rule H9 of SPEC.md): `despiteQuarantine` is for the only one that is left.
 */
export function recoverCluster(
  dataDir: string,
  voters: readonly { readonly id: MemberId; readonly address: string }[],
  options: { readonly now?: number; readonly despiteQuarantine?: boolean } = {},
): Recovery {
  finishInterrupted(dataDir);
  const { store, state } = openStopped(dataDir);
  try {
    const before = describe(state);
    checkVoters(before, voters);
    if (options.despiteQuarantine !== true) checkState(dataDir, state);
    const epoch = Math.max(options.now ?? Date.now(), recoveryEpoch(before.clusterId) + 1);
    const clusterId = `${originalClusterId(before.clusterId)}+${epoch}`;
    const entry = confEntry(before, voters);
    build(dataDir, { ...state, clusterId }, entry);
    const backupDir = `${dataDir}.before-recovery-${epoch}`;
    swap(dataDir, backupDir);
    const kept = new Set(voters.map((voter) => voter.id));
    const left = allMembers(before.conf).filter((id) => !kept.has(id));
    return { before, clusterId, confIndex: entry.index, left, backupDir };
  } finally {
    store.close();
  }
}

function openStopped(dataDir: string): { store: DiskStore; state: StorageState } {
  if (!fs.existsSync(`${dataDir}/id.json`)) {
    throw new RaftError("refused", `${dataDir}: no member of a cluster lives here`);
  }
  const opened = DiskStore.open(nodeVfs, dataDir, () => {
    throw new RaftError("refused", `${dataDir}: no member of a cluster lives here`);
  });
  if (opened.state.clusterId === "") {
    opened.store.close();
    throw new RaftError("refused", `${dataDir}: this member belongs to no cluster yet`);
  }
  return opened;
}

function describe(state: StorageState): StoppedMember {
  const { memberId, clusterId, hardState, snapshot, entries, quarantine, notes } = state;
  const last = entries.at(-1);
  const isNewer = last !== undefined && last.index > (snapshot?.index ?? 0);
  return {
    memberId,
    clusterId,
    term: hardState?.term ?? 0,
    commit: Math.max(hardState?.commit ?? 0, snapshot?.index ?? 0),
    lastIndex: isNewer ? last.index : (snapshot?.index ?? 0),
    lastTerm: isNewer ? last.term : (snapshot?.term ?? 0),
    conf: newestConf(snapshot, entries),
    quarantine,
    notes: quarantine === null ? notes : [...notes, inQuarantine(quarantine)],
  };
}

function newestConf(snapshot: SnapshotMeta | null, entries: readonly Entry[]): ConfState {
  const from = snapshot?.index ?? 0;
  const newest = entries.findLast((e) => e.kind === EntryKind.config && e.index > from);
  return newest === undefined ? (snapshot?.conf ?? emptyConf) : decodeConf(newest.data);
}

function checkVoters(
  before: StoppedMember,
  voters: readonly { readonly id: MemberId; readonly address: string }[],
): void {
  if (voters.length !== 1 || voters[0]?.id !== before.memberId) {
    const text = `the only voter must be the member that is recovered, ${before.memberId}`;
    throw new RaftError("refused", `${text}: others join it anew`);
  }
  if (before.lastIndex === 0) {
    throw new RaftError("refused", "this member's log is empty: there is nothing to recover");
  }
}

/** Nobody would be left to find out that the cluster's state is a wrong one. */
function checkState(dataDir: string, { quarantine, snapshot }: StorageState): void {
  if (quarantine === null) return;
  throw new RaftError(
    "refused",
    `${dataDir}: ${inQuarantine(quarantine)}. Recover another one, even if its log ends earlier; ` +
      `where there is none, this one can be recovered despite the quarantine: its log is no worse ` +
      `than theirs, and its state is made anew from ${beginning(snapshot, quarantine)}`,
  );
}

function inQuarantine(why: Quarantine): string {
  return `in quarantine: its state was not the majority's, first seen ${whenItDiffered(why)}`;
}

function beginning(snapshot: SnapshotMeta | null, { after }: Quarantine): string {
  if (snapshot === null) return "the whole log";
  const which = `the snapshot at index ${snapshot.index} and the log behind it`;
  return snapshot.index <= after
    ? `${which}: older than the difference`
    : `${which}: the difference may be in that snapshot`;
}

/** Of a term that nobody has seen, so that no entry of the old members passes for a newer one. */
function confEntry(
  before: StoppedMember,
  voters: readonly { readonly id: MemberId; readonly address: string }[],
): Entry {
  const conf: ConfState = {
    ...emptyConf,
    voters: voters.map((voter) => voter.id),
    addresses: Object.fromEntries(voters.map((voter) => [voter.id, voter.address])),
    // What was written at it is still there.
    ...levelOf(before.conf),
  };
  const [index, term] = [before.lastIndex + 1, before.term + 1];
  return { index, term, kind: EntryKind.config, data: encodeConf(conf) };
}

/** A complete directory beside the old one; `id.json` in it comes last. */
function build(dataDir: string, state: StorageState, entry: Entry): void {
  const dir = buildingDir(dataDir);
  fs.rmSync(dir, { recursive: true, force: true });
  nodeVfs.mkdir(`${dir}/snap`);
  const { memberId, clusterId, snapshot, hardState } = state;
  const base = snapshot?.index ?? 0;
  if (snapshot !== null) copySnapshot(dataDir, dir, snapshot);
  const entries = [...state.entries.filter((one) => one.index > base), entry];
  const mark = snapshot === null ? null : { meta: snapshot, reset: true };
  const commit = Math.max(hardState?.commit ?? 0, base);
  DiskStore.create(nodeVfs, dir, { memberId, clusterId }, [
    ...inParts(entries).map((part, i) => ({
      hardState: i === 0 ? { term: entry.term, vote: "" as const, commit: base } : null,
      entries: part,
      mark: i === 0 ? mark : null,
    })),
    { hardState: { term: entry.term, vote: "", commit }, entries: [], mark: null },
  ]);
}

const PART_ENTRIES = 10_000;

function inParts(entries: readonly Entry[]): (readonly Entry[])[] {
  const parts: (readonly Entry[])[] = [];
  for (let at = 0; at < entries.length; at += PART_ENTRIES) {
    parts.push(entries.slice(at, at + PART_ENTRIES));
  }
  return parts;
}

function copySnapshot(from: string, to: string, snapshot: SnapshotMeta): void {
  const path = `${to}/snap/${snapshotName(snapshot)}`;
  fs.copyFileSync(`${from}/snap/${snapshotName(snapshot)}`, path);
  const file = nodeVfs.open(path, "write");
  file.sync();
  file.close();
  nodeVfs.syncDir(`${to}/snap`);
}

function swap(dataDir: string, backupDir: string): void {
  fs.renameSync(dataDir, backupDir);
  fs.renameSync(buildingDir(dataDir), dataDir);
  nodeVfs.syncDir(dirname(dataDir));
  // Ours, until now: the directory is nobody's any more.
  fs.rmSync(`${backupDir}/LOCK`, { force: true });
}

function finishInterrupted(dataDir: string): void {
  const place = placeOf(dataDir);
  if (place === dataDir) return;
  fs.renameSync(place, dataDir);
  nodeVfs.syncDir(dirname(dataDir));
}

/** Between the two renames there is no directory of that name, and the new one is complete. */
function placeOf(dataDir: string): string {
  const dir = buildingDir(dataDir);
  return !fs.existsSync(dataDir) && fs.existsSync(`${dir}/id.json`) ? dir : dataDir;
}

function buildingDir(dataDir: string): string {
  return `${dataDir}.recovering`;
}
