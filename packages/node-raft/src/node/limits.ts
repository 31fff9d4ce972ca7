/**
 * Defaults for an event loop whose worst pauses are a few tens of milliseconds (RAFT.md §4.3,
 * §4.6). Coarse ticks and few heartbeats, because each one wakes an idle process: members do not
 * tick in step, so that coarse election time-outs meet no more often than fine ones, and the
 * shortest of them outlasts two heartbeats that are late.
 */
import type { RaftLimits } from "./api.ts";

const MIB = 1024 * 1024;

export const raftDefaults: RaftLimits = {
  tickMs: 200,
  heartbeatTicks: 1,
  electionTicksMin: 4,
  electionTicksMax: 7,
  inflightMessagesMax: 256,
  inflightBytesMax: 8 * MIB,
  messageBytesMax: 1 * MIB,
  uncommittedBytesMax: 64 * MIB,
  snapshotEntries: 10_000,
  // Each member holds in memory what its log has, beside the state that this made.
  snapshotLogBytes: 16 * MIB,
  trailingEntries: 10_000,
  trailingBytes: 16 * MIB,
  // Half of what a link of 1 Gbit/s takes: the log goes the same way.
  snapshotBytesPerSecond: 64 * MIB,
  sessionsMax: 1_024,
  sessionResultsMax: 64,
  // With as many sessions as may be, 64 MiB.
  sessionResultBytesMax: 64 * 1024,
};

export function withDefaults(limits: Partial<RaftLimits> | undefined): RaftLimits {
  return { ...raftDefaults, ...limits };
}
