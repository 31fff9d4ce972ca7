/**
 * Majorities and joint majorities: the only place where a quorum is counted. Elections, commits,
 * reads and check-quorum all ask here (RAFT.md §2.5 row 22).
 */
import type { MemberId } from "./types.ts";

export type VoteResult = "won" | "lost" | "pending";

/**
 * Highest index that a majority of `voters` has reached; `undefined` = not known = 0. No voters:
 * Infinity, the neutral value for a joint decision.
 */
export function majorityIndex(
  voters: readonly MemberId[],
  reached: (id: MemberId) => number | undefined,
): number {
  const size = voters.length;
  if (size === 0) return Number.POSITIVE_INFINITY;
  const indexes = voters.map((id) => reached(id) ?? 0).sort((a, b) => a - b);
  return indexes[size - majoritySize(size)] ?? 0;
}

/** A joint decision needs both halves; an empty half has no say. */
export function jointIndex(
  voters: readonly MemberId[],
  outgoing: readonly MemberId[],
  reached: (id: MemberId) => number | undefined,
): number {
  return Math.min(majorityIndex(voters, reached), majorityIndex(outgoing, reached));
}

/** No voters: won, the neutral value for a joint decision. */
export function majorityVote(
  voters: readonly MemberId[],
  voteOf: (id: MemberId) => boolean | undefined,
): VoteResult {
  if (voters.length === 0) return "won";
  let yes = 0;
  let missing = 0;
  for (const id of voters) {
    const vote = voteOf(id);
    if (vote === undefined) missing += 1;
    else if (vote) yes += 1;
  }
  const needed = majoritySize(voters.length);
  if (yes >= needed) return "won";
  return yes + missing >= needed ? "pending" : "lost";
}

export function jointVote(
  voters: readonly MemberId[],
  outgoing: readonly MemberId[],
  voteOf: (id: MemberId) => boolean | undefined,
): VoteResult {
  const a = majorityVote(voters, voteOf);
  const b = majorityVote(outgoing, voteOf);
  if (a === "lost" || b === "lost") return "lost";
  return a === "won" && b === "won" ? "won" : "pending";
}

export function majoritySize(size: number): number {
  return Math.floor(size / 2) + 1;
}
