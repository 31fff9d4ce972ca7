/** The store in a thread of its own. */
import { getCompileCacheDir } from "node:module";
import { dirname, extname } from "node:path";
import { Worker, type WorkerOptions } from "node:worker_threads";
import { StorageClient } from "./storage-client.ts";
import type { StoreHostOptions } from "./store-host.ts";
import type { StoreFault, StorePort, StoreReply } from "./store-protocol.ts";

/**
 * Starts the worker thread. The default runs the `worker` beside this file; a bundled program passes
 * its own, e.g. `(options) => new Worker(sourceText, { ...options, eval: true })`.
 */
export type SpawnWorker = (options: WorkerOptions) => Worker;

export function openWorkerStorage(
  options: StoreHostOptions,
  spawn: SpawnWorker = runBeside,
): StorageClient {
  return new StorageClient(workerPort(options, spawn));
}

/** A compile cache of the process is the thread's too: stripping types there takes 25 MB. */
function runBeside(given: WorkerOptions): Worker {
  const cache = getCompileCacheDir();
  const env = { ...process.env };
  if (cache !== undefined) env.NODE_COMPILE_CACHE = dirname(cache);
  // Compiled, it is beside this file too, under the ending that this file has by then.
  const beside = `./worker${extname(import.meta.url)}`;
  return new Worker(new URL(beside, import.meta.url), { ...given, env });
}

function workerPort(options: StoreHostOptions, spawn: SpawnWorker): StorePort {
  const worker = spawn({ workerData: options, name: "raft-wal" });
  let receive: ((reply: StoreReply) => void) | null = null;
  let ended = false;
  let gone: StoreFault | null = null;
  const fail = (message: string): void => {
    gone = { code: "io", message };
    if (!ended) receive?.({ kind: "failed", fault: gone });
  };
  worker.on("message", (reply: StoreReply) => receive?.(reply));
  worker.on("error", (error) => fail(`the log's thread failed: ${String(error)}`));
  worker.on("exit", (code) => fail(`the log's thread ended with code ${code}`));
  return {
    post: (request, transfer) => {
      if (gone === null) {
        worker.postMessage(request, [...transfer]);
        return;
      }
      // Nobody is there to answer any more.
      const fault = gone;
      if (request.kind !== "call") return;
      queueMicrotask(() => receive?.({ kind: "error", id: request.id, fault }));
    },
    onReply: (fn) => {
      receive = fn;
    },
    end: async () => {
      ended = true;
      await worker.terminate();
    },
  };
}
