/** Opens a data directory and gives back the member that lives in it. */
import { MemoryStorage } from "../wal/memory-storage.ts";
import type { RaftStorage, StorageState } from "../wal/storage.ts";
import { openWorkerStorage } from "../wal/worker-port.ts";
import type { OpenRaftOptions, RaftLimits, RaftNode, RaftTimers } from "./api.ts";
import { RaftError } from "./api.ts";
import { leaseMs } from "./lease.ts";
import { withDefaults } from "./limits.ts";
import { DrivenRaftNode } from "./raft-node.ts";
import { mintMemberId, realRandom, realTimers } from "./real-world.ts";

/**
 * Locks and recovers `dataDir`. A fresh one (`node.fresh`) then needs `bootstrap` or `join`; one
 * that holds a cluster takes part at once, its state machine restored from the newest snapshot.
 * Rejects with `RaftError`: "io" when the directory is locked or unreadable, "corrupt" when bytes
 * on disk do not check (the message names file, offset and what to do).
 */
export async function openRaftNode<R>(options: OpenRaftOptions<R>): Promise<RaftNode<R>> {
  const storage = chooseStorage(options);
  const timers = options.timers ?? realTimers;
  const random = options.random ?? realRandom;
  try {
    const state = await storage.open(options.mintId ?? mintMemberId);
    for (const note of state.notes) options.log?.("warn", note, { member: state.memberId });
    const limits = withDefaults(options.limits);
    const leases = options.leases ?? false;
    if (leases) refuseUnfitForLeases(limits, timers);
    const parts = { storage, state: trimmed(state, limits), limits, leases, timers, random };
    const node = new DrivenRaftNode(options, parts);
    if (!node.fresh) await node.resume();
    return node;
  } catch (error) {
    await storage.close();
    throw error;
  }
}

function refuseUnfitForLeases(limits: RaftLimits, timers: RaftTimers): void {
  if (timers.wall === undefined) {
    throw new RaftError("refused", "leases need a wall clock too, to notice a sleep");
  }
  if (leaseMs(limits) > 0) return;
  const { electionTicksMin } = limits;
  throw new RaftError("refused", `no lease fits into an election time-out of ${electionTicksMin}`);
}

/** Files are dropped whole, so the disk holds more of the old log than memory has to. */
function trimmed(state: StorageState, limits: RaftLimits): StorageState {
  const first = state.entries[0]?.index ?? 0;
  if (first === 0) return state;
  const snapshot = state.snapshot?.index ?? 0;
  let keepFrom = snapshot + 1;
  let bytes = 0;
  for (; keepFrom > first && snapshot - keepFrom + 1 < limits.trailingEntries; keepFrom -= 1) {
    bytes += state.entries[keepFrom - 1 - first]?.data.length ?? 0;
    if (bytes > limits.trailingBytes) break;
  }
  if (first >= keepFrom) return state;
  return { ...state, entries: state.entries.slice(keepFrom - first) };
}

function chooseStorage<R>(options: OpenRaftOptions<R>): RaftStorage {
  const { storage, dataDir, spawnWorker } = options;
  if (storage === "memory") return new MemoryStorage();
  return storage ?? openWorkerStorage({ dataDir }, spawnWorker);
}
