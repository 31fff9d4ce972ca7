/**
 * Sessions in front of the state in a snapshot. A state without any is written as it is, so that
 * snapshots of those who use none look as they always did; one that happens to begin like sessions
 * gets an empty list of them in front.
 *
 *   magic 16 | u32 sessions | each: u32 length | msgpack [id, resultsMax, acknowledged, results,
 *   resultBytesMax], of which older programs had no last one
 */
import { Packr } from "msgpackr";
import { ByteSource } from "./byte-source.ts";
import { UNBOUNDED } from "./session-entry.ts";
import type { AppliedCommand, Session } from "./session-table.ts";

/** Results as bytes; the default knows whatever msgpack knows. */
export interface ResultCodec<R> {
  encode(result: R): Uint8Array;
  decode(bytes: Uint8Array): R;
}

const MAGIC = Uint8Array.from([
  ...[0xd5, 0x1f, 0x8e, 0x62, 0x07, 0xb3, 0x4a, 0xc9],
  ...[0x73, 0xe0, 0x2b, 0x96, 0x5c, 0x81, 0xfd, 0x3a],
]);
const HEAD_BYTES = MAGIC.length + 4;

const packr = new Packr({ useRecords: false, copyBuffers: true });

type ResultRow = [seq: number, index: number, term: number, result: Uint8Array];
type SessionRow = [
  id: string,
  resultsMax: number,
  acknowledged: number,
  results: ResultRow[],
  resultBytesMax?: number,
];

export function defaultCodec<R>(): ResultCodec<R> {
  return {
    encode: (result) => packr.pack(result),
    decode: (bytes) => packr.unpack(bytes) as R,
  };
}

export async function* withSessions(
  sessions: readonly Session[],
  state: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const source = new ByteSource(state);
  if (sessions.length > 0 || startsWithMagic(await source.peek(MAGIC.length))) {
    const head = new Uint8Array(HEAD_BYTES);
    head.set(MAGIC);
    putU32(head, MAGIC.length, sessions.length);
    yield head;
    for (const session of sessions) yield encodeSession(session);
  }
  yield* source.rest();
}

export async function readSessions(
  stream: AsyncIterable<Uint8Array>,
): Promise<{ sessions: readonly Session[]; state: AsyncIterable<Uint8Array> }> {
  const source = new ByteSource(stream);
  const sessions: Session[] = [];
  if (startsWithMagic(await source.peek(MAGIC.length))) {
    const count = getU32(await taken(source, HEAD_BYTES), MAGIC.length);
    for (let i = 0; i < count; i += 1) {
      const length = getU32(await taken(source, 4), 0);
      sessions.push(decodeSession(await taken(source, length)));
    }
  }
  return { sessions, state: source.rest() };
}

function encodeSession(session: Session): Uint8Array {
  const results: ResultRow[] = [];
  for (const [seq, applied] of session.results) {
    if (applied === null) throw new Error(`command ${seq} of ${session.id} is being applied`);
    results.push([seq, applied.index, applied.term, applied.result]);
  }
  const { id, resultsMax, acknowledged, resultBytesMax } = session;
  const row: SessionRow = [id, resultsMax, acknowledged, results, resultBytesMax];
  const body = packr.pack(row);
  const bytes = new Uint8Array(4 + body.length);
  putU32(bytes, 0, body.length);
  bytes.set(body, 4);
  return bytes;
}

function decodeSession(body: Uint8Array): Session {
  const row = packr.unpack(body) as SessionRow;
  const [id, resultsMax, acknowledged, rows, resultBytesMax = UNBOUNDED] = row;
  const results = new Map<number, AppliedCommand>();
  for (const [seq, index, term, result] of rows) results.set(seq, { index, term, result });
  return { id, resultsMax, resultBytesMax, acknowledged, results };
}

async function taken(source: ByteSource, count: number): Promise<Uint8Array> {
  const bytes = await source.take(count);
  if (bytes === null) throw new Error("the snapshot ends within its sessions");
  return bytes;
}

function startsWithMagic(bytes: Uint8Array): boolean {
  return bytes.length >= MAGIC.length && MAGIC.every((byte, i) => bytes[i] === byte);
}

function putU32(bytes: Uint8Array, at: number, value: number): void {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(at, value, true);
}

function getU32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
}
