/**
 * Defaults for an event loop whose worst pauses are a few tens of milliseconds (RAFT.md §4.3,
 * §4.6).
 */
import type { RaftLimits } from "./api.ts";

const MIB = 1024 * 1024;

export const raftDefaults: RaftLimits = {
  tickMs: 50,
  heartbeatTicks: 2,
  electionTicksMin: 12,
  electionTicksMax: 24,
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
