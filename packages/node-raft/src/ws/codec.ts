/**
 * Raft messages on the wire: one msgpack array per frame, each message a fixed table (its type's
 * number, then its fields in the order below). What does not fit its table is refused: a peer that
 * talks nonsense must not reach the core.
 */
import { Packr } from "msgpackr";
import { decodeConf } from "../core/conf-state.ts";
import type { ConfState, Entry, Message, SnapshotMeta } from "../core/types.ts";
import { EntryKind } from "../core/types.ts";

export const PROTOCOL_VERSION = 1;
/** A kind of a newer version is refused: to skip what others apply would be to differ from them. */
const ENTRY_KIND_MAX = Math.max(...Object.values(EntryKind));
export const FRAME_BYTES_MAX = 64 * 1024 * 1024;

/** Copies: entries outlive the frame they came in and must not keep it alive. */
const packr = new Packr({ useRecords: false, copyBuffers: true });

export class CodecError extends Error {
  override readonly name = "CodecError";
}

/** flag: a boolean that is left out where it is false. */
type Kind = "text" | "int" | "bool" | "flag" | "entries" | "meta";
/** Fields that came later are left out at the end of a row by whoever does not know them. */
type Table = readonly (readonly [field: string, kind: Kind, later?: "later"])[];

const HEAD: Table = [
  ["from", "text"],
  ["to", "text"],
  ["term", "int"],
];
const VOTE: Table = [
  ["lastIndex", "int"],
  ["lastTerm", "int"],
  ["forced", "bool"],
  ["leaderCrashed", "text"],
];
const READ: Table = [["requestId", "int"]];
const SEQ: Table = [["readSeq", "int"]];
const GRANT: Table = [["granted", "bool"]];

/** The number on the wire is the position; append only. */
const TYPES: readonly (readonly [type: Message["type"], table: Table])[] = [
  [
    "append",
    [
      ["prevIndex", "int"],
      ["prevTerm", "int"],
      ["entries", "entries"],
      ["commit", "int"],
      ["readSeq", "int"],
    ],
  ],
  [
    "appendReply",
    [
      ["ok", "bool"],
      ["index", "int"],
      ["hintIndex", "int"],
      ["hintTerm", "int"],
      ["readSeq", "int"],
      ["keepsLease", "flag"],
    ],
  ],
  [
    "heartbeat",
    [
      ["commit", "int"],
      ...SEQ,
      ["checkIndex", "int", "later"],
      ["agreedIndex", "int", "later"],
      ["agreedDigest", "text", "later"],
    ],
  ],
  [
    "heartbeatReply",
    [
      ...SEQ,
      ["keepsLease", "flag"],
      ["checkIndex", "int", "later"],
      ["checkDigest", "text", "later"],
      ["quarantined", "bool", "later"],
      ["levelMin", "int", "later"],
      ["levelMax", "int", "later"],
    ],
  ],
  ["preVote", VOTE],
  ["vote", VOTE],
  ["preVoteReply", GRANT],
  ["voteReply", GRANT],
  ["snapshot", [["meta", "meta"]]],
  ["timeoutNow", []],
  ["transferRefused", []],
  ["readIndex", READ],
  ["readIndexReply", [...READ, ["index", "int"]]],
];

/** How a row is read: the whole table, and how many of its fields must be there. */
const READ_AS = TYPES.map(([type, table]) => {
  const fields = [...HEAD, ...table];
  return {
    type,
    fields,
    least: fields.filter(([, kind, later]) => kind !== "flag" && later === undefined).length,
  };
});

const numberOf = new Map(TYPES.map(([type], i) => [type, i]));

export function encodeMessages(messages: readonly Message[]): Uint8Array {
  return packr.pack(messages.map(toTable));
}

/** Throws `CodecError` for anything that is not a frame of messages. */
export function decodeMessages(frame: Uint8Array): Message[] {
  const value = unpack(frame);
  if (!Array.isArray(value)) throw new CodecError("a frame is an array of messages");
  return value.map(fromTable);
}

export function encodeSnapshotHead(message: Message, meta: SnapshotMeta): Uint8Array {
  return packr.pack([toTable(message), meta]);
}

export function decodeSnapshotHead(frame: Uint8Array): { message: Message; meta: SnapshotMeta } {
  const value = unpack(frame);
  if (!Array.isArray(value) || value.length !== 2) throw new CodecError("not a snapshot's head");
  return { message: fromTable(value[0]), meta: readMeta(value[1]) };
}

function unpack(frame: Uint8Array): unknown {
  try {
    return packr.unpack(frame) as unknown;
  } catch (error) {
    throw new CodecError(`not msgpack: ${String(error)}`);
  }
}

function toTable(message: Message): unknown[] {
  const number = numberOf.get(message.type);
  const table = number === undefined ? undefined : TYPES[number]?.[1];
  if (table === undefined) throw new CodecError(`no table for ${message.type}`);
  const fields = message as unknown as Record<string, unknown>;
  const row: unknown[] = [number];
  for (const [field] of HEAD) row.push(fields[field]);
  for (const [field, kind] of table) {
    const value = fields[field];
    if (kind === "flag" && value !== true) row.push(undefined);
    else row.push(kind === "entries" ? (value as readonly Entry[]).map(entryRow) : value);
  }
  while (row.at(-1) === undefined) row.pop();
  // msgpack has no word for what is left out in the middle.
  return row.map((value) => value ?? null);
}

function entryRow(entry: Entry): unknown[] {
  return [entry.index, entry.term, entry.kind, entry.data];
}

function fromTable(row: unknown): Message {
  if (!Array.isArray(row)) throw new CodecError("a message is an array");
  const known = READ_AS[row[0] as number];
  if (known === undefined) throw new CodecError(`message type ${String(row[0])} is not known`);
  const { type, fields, least } = known;
  if (row.length < least + 1) throw new CodecError(`${type} with ${row.length} fields`);
  const message: Record<string, unknown> = { type };
  for (const [i, [field, kind, later]] of fields.entries()) {
    const value: unknown = row[i + 1];
    if (kind === "flag" && value !== true) continue;
    if (later !== undefined && (value === undefined || value === null)) continue;
    message[field] = readField(value, kind, `${type}.${field}`);
  }
  const read = message as unknown as Message;
  if (read.type === "append") checkEntries(read);
  return read;
}

/** What follows each other in no log would stop whoever appended it. */
function checkEntries(append: Message & { type: "append" }): void {
  let { prevIndex: index, prevTerm: term } = append;
  for (const entry of append.entries) {
    index += 1;
    if (entry.index !== index) throw new CodecError(`entry ${entry.index} where ${index} belongs`);
    if (entry.term < term) throw new CodecError(`entry ${index} goes back in term`);
    if (entry.kind === EntryKind.config) checkConf(entry);
    ({ term } = entry);
  }
  if (term > append.term) throw new CodecError(`an entry of term ${term} in term ${append.term}`);
}

function checkConf({ index, data }: Entry): void {
  try {
    decodeConf(data);
  } catch (error) {
    throw new CodecError(`entry ${index} is no configuration: ${String(error)}`);
  }
}

function readField(value: unknown, kind: Kind, name: string): unknown {
  switch (kind) {
    case "int":
      return readInt(value, name);
    case "text":
      return readText(value, name);
    case "bool":
    case "flag":
      if (typeof value !== "boolean") throw new CodecError(`${name} is not a boolean`);
      return value;
    case "entries":
      if (!Array.isArray(value)) throw new CodecError(`${name} is not an array`);
      return value.map((row) => readEntry(row, name));
    case "meta":
      return readMeta(value);
  }
}

function readInt(value: unknown, name: string): number {
  const ok = typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
  if (!ok) throw new CodecError(`${name} is not a natural number`);
  return value;
}

function readText(value: unknown, name: string): string {
  if (typeof value !== "string" || value.length > 1024) throw new CodecError(`${name} is no name`);
  return value;
}

function readEntry(row: unknown, name: string): Entry {
  if (!Array.isArray(row) || row.length < 4) throw new CodecError(`${name} holds no entry`);
  const kind = readInt(row[2], name);
  const data: unknown = row[3];
  if (kind > ENTRY_KIND_MAX || !(data instanceof Uint8Array))
    throw new CodecError(`${name}: broken entry`);
  const entry = { index: readInt(row[0], name), term: readInt(row[1], name), data };
  return Object.freeze({ ...entry, kind: kind as EntryKind });
}

function readMeta(value: unknown): SnapshotMeta {
  const meta = value as SnapshotMeta | null;
  if (typeof meta !== "object" || meta === null) throw new CodecError("meta is not an object");
  const index = readInt(meta.index, "meta.index");
  const term = readInt(meta.term, "meta.term");
  return Object.freeze({ index, term, conf: readConf(meta.conf) });
}

function readConf(conf: ConfState | undefined): ConfState {
  if (typeof conf !== "object" || conf === null) throw new CodecError("meta.conf is missing");
  const ids = (list: readonly string[] | undefined): readonly string[] => {
    if (!Array.isArray(list)) throw new CodecError("meta.conf lacks a list of members");
    return Object.freeze(list.map((id) => readText(id, "meta.conf")));
  };
  if (typeof conf.addresses !== "object" || conf.addresses === null) {
    throw new CodecError("meta.conf.addresses is missing");
  }
  const addresses = Object.entries(conf.addresses).map(([id, at]) => [id, readText(at, "address")]);
  return Object.freeze({
    voters: ids(conf.voters),
    votersOutgoing: ids(conf.votersOutgoing),
    learners: ids(conf.learners),
    learnersNext: ids(conf.learnersNext),
    autoLeave: conf.autoLeave === true,
    addresses: Object.freeze(Object.fromEntries(addresses) as Record<string, string>),
    ...(conf.level === undefined ? {} : { level: readInt(conf.level, "meta.conf.level") }),
  });
}
