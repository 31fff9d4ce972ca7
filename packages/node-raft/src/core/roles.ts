/**
 * Role changes (paper §5.2, thesis §9.6 for the pre-candidate).
 *
 *   follower ─time-out─► preCandidate ─quorum would vote─► candidate ─quorum voted─► leader
 *      ▲                      │                               │                        │
 *      └────── higher term, a leader of this term, votes refused, quorum not heard ────┘
 */
import { assert } from "./assert.ts";
import { failReads } from "./read-index.ts";
import type { CoreState } from "./state.ts";
import type { MemberId } from "./types.ts";

export function becomeFollower(state: CoreState, term: number, leader: MemberId | ""): void {
  resetForTerm(state, term);
  state.role = "follower";
  state.leader = leader;
}

/** Asks whether an election could be won; neither term nor vote change (thesis §9.6). */
export function becomePreCandidate(state: CoreState): void {
  assert(state.role !== "leader", () => "a leader does not campaign");
  failReads(state);
  state.role = "preCandidate";
  state.leader = "";
  state.votes.clear();
  resetElectionTimer(state);
}

export function becomeCandidate(state: CoreState): void {
  assert(state.role !== "leader", () => "a leader does not campaign");
  resetForTerm(state, state.term + 1);
  state.role = "candidate";
  state.vote = state.id;
}

export function becomeLeaderRole(state: CoreState): void {
  assert(state.role === "candidate", () => `a ${state.role} cannot become leader`);
  assert(state.vote === state.id, () => "a leader has voted for itself");
  resetForTerm(state, state.term);
  state.role = "leader";
  state.leader = state.id;
}

export function resetElectionTimer(state: CoreState): void {
  const { electionTicksMin, electionTicksMax } = state.limits;
  state.electionElapsed = 0;
  state.electionTimeout =
    electionTicksMin + state.random.int(electionTicksMax - electionTicksMin + 1);
}

function resetForTerm(state: CoreState, term: number): void {
  assert(term >= state.term, () => `term goes back from ${state.term} to ${term}`);
  assert(Number.isSafeInteger(term), () => `term ${term} is not an integer`);
  if (term > state.term) {
    state.term = term;
    state.vote = "";
  }
  failReads(state);
  state.leader = "";
  state.heartbeatElapsed = 0;
  state.votes.clear();
  state.tracker.clear();
  state.transfer = null;
  resetElectionTimer(state);
}
