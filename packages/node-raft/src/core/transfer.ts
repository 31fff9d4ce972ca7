/**
 * Leadership transfer (thesis §3.10): bring one voter up to date, then tell it to campaign at once.
 * Proposals wait meanwhile, so it ends after one election time-out or at the target's refusal.
 */
import { isVoter } from "./conf-state.ts";
import type { TransferResult } from "./options.ts";
import type { Progress } from "./progress.ts";
import type { CoreState } from "./state.ts";
import type { MemberId } from "./types.ts";

export function transferLeader(state: CoreState, to: MemberId): TransferResult {
  if (state.role !== "leader") return { kind: "refused", reason: "not-leader" };
  if (state.transfer !== null) return { kind: "refused", reason: "transferring" };
  const progress = state.tracker.get(to);
  if (progress === undefined || !isVoter(state.conf, to)) {
    return { kind: "refused", reason: "not-a-voter" };
  }
  // A member that has to be brought up first would block writes for the whole time-out.
  if (progress.state !== "replicate") return { kind: "refused", reason: "not-caught-up" };
  state.transfer = { to, startedAtTick: state.ticks };
  onTransferProgress(state, to, progress);
  return { kind: "accepted", to };
}

export function onTransferProgress(state: CoreState, from: MemberId, progress: Progress): void {
  if (state.transfer?.to !== from || progress.match !== state.log.lastIndex) return;
  sendTimeoutNow(state, from);
}

export function tickTransfer(state: CoreState): void {
  const { transfer, limits } = state;
  if (transfer !== null && state.ticks - transfer.startedAtTick >= limits.electionTicksMin) {
    state.transfer = null;
  }
}

export function sendTimeoutNow(state: CoreState, to: MemberId): void {
  state.reads.leaseOver = true;
  state.outbox.sendNow({ type: "timeoutNow", from: state.id, to, term: state.term });
}

export function onTransferRefused(state: CoreState, from: MemberId): void {
  if (state.transfer?.to === from) state.transfer = null;
}
