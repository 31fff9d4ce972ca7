/** How messages and states of our core are written down for the other side, and compared. */
import type { CoreStatus } from "../core/options.ts";
import type { ConfState, Entry, Message, SnapshotMeta } from "../core/types.ts";
import { EntryKind } from "../core/types.ts";
import { bytesOf, textOf } from "../testing/core-cluster.ts";

export interface WireEntry {
  readonly index: number;
  readonly term: number;
  readonly kind: EntryKind;
  readonly data: string;
}

/** A message of our core with the entries written down. */
export type WireMessage =
  | Exclude<Message, { type: "append" }>
  | (Omit<Extract<Message, { type: "append" }>, "entries"> & {
      readonly entries: readonly WireEntry[];
    });

/** What must be equal after every command. */
export interface ComparedState {
  readonly role: string;
  readonly term: number;
  readonly vote: string;
  readonly leader: string;
  readonly commit: number;
  readonly applied: number;
  readonly first: number;
  /** term:kind:data of each entry from `first` on; absent: as before. */
  readonly log?: string;
  readonly match: Readonly<Record<string, number>>;
  readonly conf: string;
  readonly transfer: string;
}

/** A configuration has another content on each side: it is known by its place in the log. */
export class ConfTable {
  readonly #data = new Map<string, Uint8Array>();

  note(entry: Entry): void {
    if (entry.kind === EntryKind.config) this.#data.set(`${entry.index}.${entry.term}`, entry.data);
  }

  fromWire({ index, term, kind, data }: WireEntry): Entry {
    if (kind !== EntryKind.config) return { index, term, kind, data: bytesOf(data) };
    const known = this.#data.get(`${index}.${term}`);
    if (known === undefined) throw new Error(`we appended no configuration at ${index}.${term}`);
    return { index, term, kind, data: known };
  }
}

export function toWire(message: Message): WireMessage {
  return message.type === "append"
    ? { ...message, entries: message.entries.map(toWireEntry) }
    : message;
}

export function fromWire(message: WireMessage, confs: ConfTable): Message {
  switch (message.type) {
    // N25: tokens travel with heartbeats alone.
    case "append":
      return { ...message, readSeq: 0, entries: message.entries.map((e) => confs.fromWire(e)) };
    case "appendReply":
      return { ...message, readSeq: 0 };
    case "preVote":
    case "vote":
      return { ...message, leaderCrashed: "" };
    case "snapshot":
      return {
        ...message,
        meta: { ...message.meta, conf: { ...noAddresses, ...message.meta.conf } },
      };
    default:
      return message;
  }
}

export function stateOf(status: CoreStatus): Omit<ComparedState, "log"> {
  const progress = status.role === "leader" ? Object.entries(status.progress) : [];
  return {
    // A learner is a follower there that does not count.
    role: status.role === "learner" ? "follower" : status.role,
    term: status.term,
    vote: status.vote,
    leader: status.leader,
    commit: status.commit,
    applied: status.applied,
    first: status.firstIndex,
    match: Object.fromEntries(progress.map(([id, { match }]) => [id, match])),
    conf: renderConf(status.conf),
    transfer: status.transferTo,
  };
}

export function renderMeta(meta: SnapshotMeta | null): string {
  return meta === null ? "none" : `${meta.index} ${meta.term} ${renderConf(meta.conf)}`;
}

export function renderLog(entries: readonly Entry[]): string {
  return entries.map((e) => `${e.term}:${e.kind}:${toWireEntry(e).data}`).join(" ");
}

function toWireEntry({ index, term, kind, data }: Entry): WireEntry {
  return { index, term, kind, data: kind === EntryKind.normal ? textOf(data) : "" };
}

function renderConf(conf: ConfState): string {
  const lists = [conf.voters, conf.votersOutgoing, conf.learners, conf.learnersNext];
  return `${lists.map((ids) => [...ids].sort().join(",")).join("|")} ${conf.autoLeave}`;
}

const noAddresses = { addresses: {} };
