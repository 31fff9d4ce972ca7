/**
 * The store in the caller's own thread, served a little later. The simulator drives the real log on
 * its disk this way: `schedule` decides when (and so how slow the disk is).
 */
import { StorageClient } from "./storage-client.ts";
import { StoreHost, type StoreHostOptions } from "./store-host.ts";
import type { StorePort, StoreReply, StoreRequest } from "./store-protocol.ts";
import type { Vfs } from "./vfs.ts";

/** A member's storage on `vfs`; `schedule` runs the queued disk work, by default in a microtask. */
export function openLocalStorage(
  vfs: Vfs,
  options: StoreHostOptions,
  schedule: (work: () => void) => void = queueMicrotask,
): StorageClient {
  return new StorageClient(localPort(vfs, options, schedule));
}

function localPort(
  vfs: Vfs,
  options: StoreHostOptions,
  schedule: (work: () => void) => void,
): StorePort {
  let receive: ((reply: StoreReply) => void) | null = null;
  let queue: StoreRequest[] = [];
  let scheduled = false;
  const host = new StoreHost(vfs, options, (reply) => receive?.(reply));
  const work = (): void => {
    scheduled = false;
    const requests = queue;
    queue = [];
    host.handle(requests);
    host.idle();
  };
  return {
    post: (request) => {
      queue.push(request);
      if (scheduled) return;
      scheduled = true;
      schedule(work);
    },
    onReply: (fn) => {
      receive = fn;
    },
    end: () => Promise.resolve(),
  };
}
