/**
 * What an entry of kind `session` holds: the opening of a session, or a command with its number in
 * one. Fixed bytes in front of the command, so that its data is not copied on the way out.
 */
import { assert } from "../core/assert.ts";
import type { RandomSource } from "../core/options.ts";
import type { ProposalSession } from "./api.ts";

/** Of programs that did not bound the bytes of results. */
const OPEN_UNBOUNDED = 1;
const COMMAND = 2;
const OPEN = 3;
/** Type and three numbers. */
const OPEN_FIXED_BYTES = 13;
/** Type, length of the id, sequence number, acknowledged number. */
const COMMAND_FIXED_BYTES = 18;
const ID_BYTES_MAX = 255;
const NONCE_BYTES = 8;
/** As many bytes of results as may be. */
export const UNBOUNDED = Number.MAX_SAFE_INTEGER;

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder();

/** The bounds travel with the entry: every member must forget the same sessions. */
export interface SessionOpening {
  readonly type: "open";
  /** Makes the id another one even where two histories of a cluster share an index. */
  readonly nonce: string;
  readonly sessionsMax: number;
  readonly resultsMax: number;
  readonly resultBytesMax: number;
}

export interface SessionCommand {
  readonly type: "command";
  readonly session: ProposalSession;
  readonly data: Uint8Array;
}

export function mintNonce(random: RandomSource): string {
  const word = () =>
    random
      .int(2 ** 32)
      .toString(16)
      .padStart(8, "0");
  return word() + word();
}

/** What makes the numbers of a command unfit; null = nothing. */
export function wrongSession({ id, seq, acknowledged }: ProposalSession): string | null {
  if (utf8.encode(id).length > ID_BYTES_MAX) return "a session id is not as long as that";
  if (!Number.isSafeInteger(seq) || seq < 1) return `commands are counted from 1 on, not ${seq}`;
  if (!Number.isSafeInteger(acknowledged) || acknowledged < 0 || acknowledged >= seq) {
    return `command ${seq} cannot acknowledge the results up to ${acknowledged}`;
  }
  return null;
}

export function encodeOpening(opening: Omit<SessionOpening, "type">): Uint8Array {
  const { nonce, sessionsMax, resultsMax, resultBytesMax } = opening;
  assert(nonce.length === 2 * NONCE_BYTES, () => `a nonce of ${nonce.length} digits`);
  const bytes = new Uint8Array(OPEN_FIXED_BYTES + nonce.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = OPEN;
  view.setUint32(1, sessionsMax, true);
  view.setUint32(5, resultsMax, true);
  view.setUint32(9, resultBytesMax, true);
  bytes.set(utf8.encode(nonce), OPEN_FIXED_BYTES);
  return bytes;
}

export function encodeCommand(session: ProposalSession, data: Uint8Array): Uint8Array {
  const id = utf8.encode(session.id);
  const bytes = new Uint8Array(COMMAND_FIXED_BYTES + id.length + data.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = COMMAND;
  bytes[1] = id.length;
  view.setFloat64(2, session.seq, true);
  view.setFloat64(10, session.acknowledged, true);
  bytes.set(id, COMMAND_FIXED_BYTES);
  bytes.set(data, COMMAND_FIXED_BYTES + id.length);
  return bytes;
}

export function decodeSessionEntry(bytes: Uint8Array): SessionOpening | SessionCommand {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes[0] === OPEN || bytes[0] === OPEN_UNBOUNDED) {
    const bounded = bytes[0] === OPEN;
    const [sessionsMax, resultsMax] = [view.getUint32(1, true), view.getUint32(5, true)];
    const resultBytesMax = bounded ? view.getUint32(9, true) : UNBOUNDED;
    const nonce = fromUtf8.decode(bytes.subarray(bounded ? OPEN_FIXED_BYTES : 9));
    return { type: "open", nonce, sessionsMax, resultsMax, resultBytesMax };
  }
  // To skip what a newer version wrote would be to differ from those that know it.
  assert(bytes[0] === COMMAND, () => `a session entry of type ${bytes[0]} is not known here`);
  const end = COMMAND_FIXED_BYTES + (bytes[1] as number);
  const session = {
    id: fromUtf8.decode(bytes.subarray(COMMAND_FIXED_BYTES, end)),
    seq: view.getFloat64(2, true),
    acknowledged: view.getFloat64(10, true),
  };
  return { type: "command", session, data: bytes.subarray(end) };
}
