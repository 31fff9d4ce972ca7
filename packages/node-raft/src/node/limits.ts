/**
 * Defaults for an event loop whose worst pauses are a few tens of milliseconds (RAFT.md §4.3,
 * §4.6). A tick is as long as a heartbeat: each one wakes an idle process, and members do not tick
 * in step, so that coarse election time-outs meet no more often than fine ones.
 */
import type { RaftLimits } from "./api.ts";

const MIB = 1024 * 1024;

export const raftDefaults: RaftLimits = {
  tickMs: 100,
  heartbeatTicks: 1,
  electionTicksMin: 6,
  electionTicksMax: 12,
  inflightMessagesMax: 256,
  inflightBytesMax: 8 * MIB,
  messageBytesMax: 1 * MIB,
  uncommittedBytesMax: 64 * MIB,
  snapshotEntries: 10_000,
  snapshotLogBytes: 64 * MIB,
  trailingEntries: 10_000,
};

export function withDefaults(limits: Partial<RaftLimits> | undefined): RaftLimits {
  return { ...raftDefaults, ...limits };
}
