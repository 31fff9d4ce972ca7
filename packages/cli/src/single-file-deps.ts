/**
 * What usually lies beside the program comes along inside it when it is one file (`make package`):
 * the log's worker as text, and the program itself as the executor of raw_exec tasks.
 */
import { getAsset, isSea } from "node:sea";
import { Worker } from "node:worker_threads";
import type { AgentDeps } from "@drover/agent";

export const RAFT_WORKER_ASSET = "raft-worker.js";
export const EXECUTOR_WORD = "executor";

export function singleFileDeps(): Pick<AgentDeps, "spawnRaftWorker" | "executorCommand"> {
  if (!isSea()) return {};
  const source = getAsset(RAFT_WORKER_ASSET, "utf8");
  return {
    spawnRaftWorker: (options) => new Worker(source, { ...options, eval: true }),
    executorCommand: [process.execPath, EXECUTOR_WORD],
  };
}
