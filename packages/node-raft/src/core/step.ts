/**
 * What becomes of a message: first its term is compared with ours (paper §5.1), then it goes to the
 * duty that handles its type.
 */
import { assert, unreachable } from "./assert.ts";
import * as election from "./election.ts";
import * as follower from "./follower.ts";
import { onReadIndex, onReadIndexReply } from "./read-index.ts";
import { onAppendReply, onHeartbeatReply } from "./replication.ts";
import { becomeFollower } from "./roles.ts";
import type { CoreState } from "./state.ts";
import { onTransferRefused } from "./transfer.ts";
import type { Message } from "./types.ts";

export function stepMessage(state: CoreState, message: Message): void {
  assert(message.to === state.id, () => `message for ${message.to} at ${state.id}`);
  assert(message.from !== state.id, () => "a message of our own came back");
  if (message.term > state.term && !enterTerm(state, message)) return;
  if (message.term < state.term) answerStale(state, message);
  else dispatch(state, message);
}

/** False: the message is not to be looked at, and its term neither. */
function enterTerm(state: CoreState, message: Message): boolean {
  switch (message.type) {
    case "preVote":
      return !election.isWithinLease(state, message);
    case "vote":
      if (election.isWithinLease(state, message)) return false;
      becomeFollower(state, message.term, "");
      return true;
    case "preVoteReply":
      // Granted: the term is the one we asked for, not one that exists.
      if (!message.granted) becomeFollower(state, message.term, "");
      return true;
    case "append":
    case "heartbeat":
    case "snapshot":
      becomeFollower(state, message.term, message.from);
      return true;
    default:
      becomeFollower(state, message.term, "");
      return true;
  }
}

function answerStale(state: CoreState, message: Message): void {
  switch (message.type) {
    case "append":
    case "heartbeat":
    case "snapshot":
      follower.refuseStaleLeader(state, message);
      break;
    case "preVote":
    case "vote":
      election.refuseStaleVote(state, message);
      break;
    default:
    // An answer to what we asked in an earlier term: nothing depends on it any more.
  }
}

function dispatch(state: CoreState, message: Message): void {
  switch (message.type) {
    case "append":
      follower.acceptLeader(state, message);
      follower.onAppend(state, message);
      break;
    case "heartbeat":
      follower.acceptLeader(state, message);
      follower.onHeartbeat(state, message);
      break;
    case "snapshot":
      follower.acceptLeader(state, message);
      follower.onSnapshot(state, message);
      break;
    case "appendReply":
      if (state.role === "leader") onAppendReply(state, message);
      break;
    case "heartbeatReply":
      if (state.role === "leader") onHeartbeatReply(state, message);
      break;
    case "preVote":
    case "vote":
      election.onVoteRequest(state, message);
      break;
    case "preVoteReply":
    case "voteReply":
      election.onVoteReply(state, message);
      break;
    case "timeoutNow":
      election.onTimeoutNow(state, message);
      break;
    case "transferRefused":
      onTransferRefused(state, message.from);
      break;
    case "readIndex":
      onReadIndex(state, message);
      break;
    case "readIndexReply":
      onReadIndexReply(state, message);
      break;
    default:
      unreachable(message);
  }
}
