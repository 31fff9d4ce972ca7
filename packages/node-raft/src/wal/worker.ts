/**
 * Entry of the thread that owns the disk. Blocking writes here never make the event loop wait, and
 * busy libuv threads never make a sync wait (RAFT.md §3.2). Requests that queued up during one sync
 * are taken together for the next.
 */
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { assert } from "../core/assert.ts";
import { nodeVfs } from "./node-vfs.ts";
import { StoreHost, type StoreHostOptions } from "./store-host.ts";
import type { StoreRequest } from "./store-protocol.ts";

const port = parentPort;
assert(port !== null, () => "this file is the entry of a worker thread");
const host = new StoreHost(nodeVfs, workerData as StoreHostOptions, (reply, transfer) => {
  port.postMessage(reply, [...transfer]);
});

port.on("message", (first: StoreRequest) => {
  const requests = [first];
  for (;;) {
    const next = receiveMessageOnPort(port);
    if (next === undefined) break;
    requests.push(next.message as StoreRequest);
  }
  host.handle(requests);
  host.idle();
});
