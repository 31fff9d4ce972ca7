/**
 * What the checkers know together: the log of each member as it was written and as its disk holds
 * it, and the one history of committed entries. Fed from outside the members, by watching their
 * writes.
 */
import { decodeConf, emptyConf } from "../core/conf-state.ts";
import type { Append, ConfState, Entry, HardState, MemberId, SnapshotMeta } from "../core/types.ts";
import { EntryKind } from "../core/types.ts";
import { digestEntry } from "./digest.ts";

/** What a disk gives back at start. */
export interface DiskContent {
  readonly hardState: HardState | null;
  readonly snapshot: SnapshotMeta | null;
  readonly entries: readonly Entry[];
}

/** One write of a member to its log. */
export type ObservedWrite = Pick<Append, "seq" | "hardState" | "entries" | "snapshot">;

export interface Slot {
  readonly term: number;
  readonly digest: number;
  /** The configuration that the entry brings; null for other entries. */
  readonly conf: ConfState | null;
}

export class LogMirror {
  /** Index and term before the first slot. */
  baseIndex = 0;
  baseTerm = 0;
  baseConf: ConfState = emptyConf;
  #slots: Slot[] = [];

  get lastIndex(): number {
    return this.baseIndex + this.#slots.length;
  }

  slotAt(index: number): Slot | undefined {
    return this.#slots[index - this.baseIndex - 1];
  }

  termAt(index: number): number | undefined {
    return index === this.baseIndex ? this.baseTerm : this.slotAt(index)?.term;
  }

  restart(meta: SnapshotMeta): void {
    this.baseIndex = meta.index;
    this.baseTerm = meta.term;
    this.baseConf = meta.conf;
    this.#slots = [];
  }

  /** `entries` replace what is at and above the first of them. */
  write(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    this.#slots.length = Math.min(this.#slots.length, first.index - this.baseIndex - 1);
    for (const entry of entries) this.#slots.push(toSlot(entry));
  }

  load(content: DiskContent): void {
    const { snapshot, entries } = content;
    const first = entries[0];
    const connected =
      first !== undefined && (snapshot === null || first.index <= snapshot.index + 1);
    this.restart(snapshot ?? { index: 0, term: 0, conf: emptyConf });
    if (!connected) return;
    this.write(entries.filter((entry) => entry.index > this.baseIndex));
  }

  /** The configuration in force at `index`: the newest one at or before it. */
  confAt(index: number): ConfState {
    for (let at = index; at > this.baseIndex; at -= 1) {
      const conf = this.slotAt(at)?.conf;
      if (conf !== null && conf !== undefined) return conf;
    }
    return this.baseConf;
  }
}

export interface CommittedSlot extends Slot {
  /** Term of the leader under which it was first seen committed. */
  readonly committedIn: number;
}

export class Ledger {
  readonly issued = new Map<MemberId, LogMirror>();
  readonly durable = new Map<MemberId, LogMirror>();
  /** committed[i - 1] is the entry at index i. */
  readonly committed: CommittedSlot[] = [];

  get committedTo(): number {
    return this.committed.length;
  }

  committedAt(index: number): CommittedSlot | undefined {
    return this.committed[index - 1];
  }

  booted(id: MemberId, content: DiskContent): void {
    for (const mirrors of [this.issued, this.durable]) {
      const mirror = new LogMirror();
      mirror.load(content);
      mirrors.set(id, mirror);
    }
  }

  write(mirrors: Map<MemberId, LogMirror>, id: MemberId, write: ObservedWrite): void {
    const mirror = mirrors.get(id) ?? new LogMirror();
    mirrors.set(id, mirror);
    if (write.snapshot !== null) mirror.restart(write.snapshot);
    mirror.write(write.entries);
  }
}

function toSlot(entry: Entry): Slot {
  const conf = entry.kind === EntryKind.config ? decodeConf(entry.data) : null;
  return { term: entry.term, digest: digestEntry(entry), conf };
}
