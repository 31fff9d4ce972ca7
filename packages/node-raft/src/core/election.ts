/**
 * Elections: pre-vote, vote, the vote lease (paper §5.2, §5.4.1; thesis §4.2.3, §9.6). Requests and
 * replies of pre-vote and vote are different messages, so one can never count as the other.
 */
import { assert } from "./assert.ts";
import { allVoters, isVoter } from "./conf-state.ts";
import { becomeLeader } from "./leader.ts";
import { jointVote } from "./quorum.ts";
import { becomeCandidate, becomeFollower, becomePreCandidate } from "./roles.ts";
import type { CoreState } from "./state.ts";
import type { MemberId, Message } from "./types.ts";

type VoteRequest = Message & { type: "preVote" | "vote" };
type VoteReply = Message & { type: "preVoteReply" | "voteReply" };

/** Ticks between the campaigns of two members that saw the same crash. */
const CRASH_STAGGER_TICKS = 1;

export function tickElection(state: CoreState): void {
  state.electionElapsed += 1;
  if (state.crashCampaignIn > 0) {
    state.crashCampaignIn -= 1;
    if (state.crashCampaignIn === 0) campaignAfterCrash(state);
    return;
  }
  if (state.electionElapsed >= state.electionTimeout) {
    if (canCampaign(state)) startPreVote(state);
  } else if (state.role === "preCandidate" && state.crashedLeader !== "") {
    // The others may see the crash a moment after us: ask those again that kept silent.
    requestVotes(state, "preVote", false);
  }
}

function startPreVote(state: CoreState): void {
  becomePreCandidate(state);
  recordVote(state, state.id, true);
  if (state.role === "preCandidate") requestVotes(state, "preVote", false);
}

/** `forced`: the leader told us to (a transfer), so the lease does not hold against us. */
function startElection(state: CoreState, forced: boolean): void {
  becomeCandidate(state);
  state.outbox.voteForSelfWhenDurable(state.term);
  requestVotes(state, "vote", forced);
}

/** The leader hands over: no pre-vote, and the lease of the others does not hold against us. */
export function onTimeoutNow(state: CoreState, message: Message & { type: "timeoutNow" }): void {
  if (canCampaign(state)) {
    startElection(state, true);
    return;
  }
  const { from: to, term } = message;
  state.outbox.sendNow({ type: "transferRefused", from: state.id, to, term });
}

/** Our own vote counts once it is on disk (RAFT.md §2.5 row 9). */
export function onSelfVoteDurable(state: CoreState, term: number): void {
  if (state.role === "candidate" && state.term === term) recordVote(state, state.id, true);
}

/**
 * May the request be looked at? Not while we hear from a leader: then it comes from a member that
 * was removed or cut off and would only disturb. A transfer is exempt, and so is a crash that we
 * saw too.
 */
export function isWithinLease(state: CoreState, message: VoteRequest): boolean {
  if (mustKeepLease(state, message)) return true;
  if (state.leader === "" || message.forced) return false;
  const sawCrash = state.crashedLeader === state.leader;
  if (sawCrash && message.leaderCrashed === state.leader) return false;
  return state.role === "leader" || state.electionElapsed < state.limits.electionTicksMin;
}

/**
 * The leader may be reading by its lease, whatever we have heard of newer terms since, and even if
 * that was in a former life. A transfer is exempt: the leader that asked for it reads no more.
 */
function mustKeepLease(state: CoreState, message: VoteRequest): boolean {
  if (!state.leases || message.forced) return false;
  return state.ticks - state.heardLeaderAtTick < state.limits.electionTicksMin;
}

export function onVoteRequest(state: CoreState, message: VoteRequest): void {
  if (mustKeepLease(state, message)) return;
  const upToDate = state.log.isUpToDate(message.lastIndex, message.lastTerm);
  if (message.type === "preVote") {
    // Promises nothing: neither the vote nor the timer changes.
    const granted = upToDate && message.term > state.term;
    const term = granted ? message.term : Math.max(state.term, message.term - 1);
    reply(state, message, "preVoteReply", term, granted);
    return;
  }
  assert(message.term === state.term, () => `vote of term ${message.term} in ${state.term}`);
  // A learner votes too: it may be a voter already and not know (RAFT.md §2.5 row 3).
  const free = state.vote === message.from || (state.vote === "" && state.leader === "");
  const granted = free && upToDate;
  if (granted) {
    state.vote = message.from;
    state.electionElapsed = 0;
  }
  reply(state, message, "voteReply", state.term, granted);
}

/** A request of a term that is over: the answer lets the candidate catch up. */
export function refuseStaleVote(state: CoreState, message: VoteRequest): void {
  const type = message.type === "preVote" ? "preVoteReply" : "voteReply";
  reply(state, message, type, state.term, false);
}

export function onVoteReply(state: CoreState, message: VoteReply): void {
  const awaited = state.role === "preCandidate" ? "preVoteReply" : "voteReply";
  if (state.role === "leader" || state.role === "follower" || message.type !== awaited) return;
  if (message.type === "preVoteReply" && message.granted && message.term !== state.term + 1) return;
  recordVote(state, message.from, message.granted);
}

/** The crash hint: the leader's socket closed and a reconnection was refused (RAFT.md §4.3). */
export function onPeerCrashed(state: CoreState, id: MemberId): void {
  // The hint may be wrong, and then its leader reads on by a lease.
  if (state.leases || id !== state.leader || id === state.id) return;
  state.crashedLeader = id;
  if (!canCampaign(state)) return;
  // In turn, by id: two candidates at the same moment would split the vote.
  const survivors = allVoters(state.conf).filter((voter) => voter !== id);
  const rank = survivors.sort().indexOf(state.id);
  state.crashCampaignIn = rank * CRASH_STAGGER_TICKS;
  if (rank === 0) campaignAfterCrash(state);
}

/** Anything from the leader of this term takes the hint back. */
export function forgetCrash(state: CoreState): void {
  state.crashedLeader = "";
  state.crashCampaignIn = -1;
}

function campaignAfterCrash(state: CoreState): void {
  state.crashCampaignIn = -1;
  if (state.role === "follower" && canCampaign(state)) startPreVote(state);
}

/** A member whose disk hangs, or that stands aside, could win, but not serve. */
function canCampaign(state: CoreState): boolean {
  return (
    state.role !== "leader" &&
    !state.standsAside &&
    mayStillBeNeeded(state) &&
    state.installing === 0 &&
    state.outbox.oldestAge(state.ticks) <= state.limits.electionTicksMin
  );
}

/**
 * A voter, or one whose removal is not committed yet: it may hold the only copy of the entry that
 * removes it (thesis §4.2.2). Its own vote does not count then.
 */
function mayStillBeNeeded(state: CoreState): boolean {
  const { confs, log, id } = state;
  if (isVoter(confs.current, id)) return true;
  return confs.currentIndex > log.commit && isVoter(confs.at(log.commit), id);
}

function recordVote(state: CoreState, from: MemberId, granted: boolean): void {
  if (!state.votes.has(from)) state.votes.set(from, granted);
  const { voters, votersOutgoing } = state.conf;
  const result = jointVote(voters, votersOutgoing, (id) => state.votes.get(id));
  if (result === "lost") becomeFollower(state, state.term, "");
  if (result !== "won") return;
  if (state.role === "preCandidate") startElection(state, false);
  else becomeLeader(state);
}

/**
 * Vote requests wait for the disk: they speak of entries and of a term that a crash must not take
 * back, or an old grant could elect us with a shorter log.
 */
function requestVotes(state: CoreState, type: "preVote" | "vote", forced: boolean): void {
  const { outbox, log } = state;
  for (const to of allVoters(state.conf)) {
    if (to === state.id || state.votes.has(to)) continue;
    const message: VoteRequest = {
      type,
      from: state.id,
      to,
      term: type === "preVote" ? state.term + 1 : state.term,
      lastIndex: log.lastIndex,
      lastTerm: log.lastTerm,
      forced,
      leaderCrashed: state.crashedLeader,
    };
    if (type === "preVote") outbox.sendNow(message);
    else outbox.sendWhenDurable(message);
  }
}

function reply(
  state: CoreState,
  request: VoteRequest,
  type: VoteReply["type"],
  term: number,
  granted: boolean,
): void {
  const message: Message = { type, from: state.id, to: request.from, term, granted };
  if (type === "voteReply" && granted) state.outbox.sendWhenDurable(message);
  else state.outbox.sendNow(message);
}
