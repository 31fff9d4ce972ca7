/** Logs that a test of the core starts from, and the leader's messages that it makes up. */
import type { Entry, HardState, MemberId, Message } from "../core/types.ts";
import { EntryKind } from "../core/types.ts";
import { bytesOf, type TestMember } from "./core-cluster.ts";

export type AppendMessage = Message & { type: "append" };

/** Entries of the given terms from index 2 on; the first entry is the cluster's configuration. */
export function logOf(terms: readonly number[]): Entry[] {
  return terms.map((term, i) => {
    return { index: i + 2, term, kind: EntryKind.normal, data: bytesOf(`${i + 2}@${term}`) };
  });
}

/** The member starts again, with such a log on its disk. */
export function give(
  member: TestMember,
  terms: readonly number[],
  hard: Partial<HardState> = {},
): void {
  const term = Math.max(1, ...terms);
  member.disk.entries = [...member.disk.entries.slice(0, 1), ...logOf(terms)];
  member.disk.hardState = { term, vote: "", commit: 1, ...hard };
  member.restart();
}

export function termsOf(member: TestMember): number[] {
  return member.disk.entries.slice(1).map((entry) => entry.term);
}

/** From `a`, after the cluster's first entry, unless told otherwise. */
export function append(to: MemberId, term: number, change: Partial<AppendMessage>): AppendMessage {
  const place = { prevIndex: 1, prevTerm: 1, entries: [], commit: 1, readSeq: 0 };
  return { type: "append", from: "a", to, term, ...place, ...change };
}
