/**
 * The order in which an agent goes down (DESIGN §8): its tasks' runner first, then leadership is
 * handed over while the local API still answers, then requests under way get a moment to end.
 * Every step is bounded, and a failed one does not keep the next from running.
 */
import { errorText } from "@drover/base";
import type { ClientAgent } from "@drover/client";
import type { Log, LogEngine, Server } from "@drover/server";
import type { PeerPool, WireListener } from "@drover/wire";
import type { RaftNode } from "@raft/node-raft";
import type { Cluster } from "./cluster/cluster.ts";
import type { HttpListener } from "./http/http-server.ts";

/** Longer than any kill time-out that a development agent gives its tasks. */
const CLIENT_MS = 60_000;
const TRANSFER_MS = 3_000;
/** For answers under way; held queries and event streams are cut off after it. */
const DRAIN_MS = 1_000;
const STEP_MS = 5_000;

/** What is open so far; an agent that failed to start has only some of it. */
export interface OpenParts {
  client?: ClientAgent;
  cluster?: Cluster;
  server?: Server | null;
  engine?: LogEngine<unknown> | null;
  raft?: RaftNode<unknown> | null;
  http?: HttpListener;
  peers?: PeerPool;
  wire?: WireListener;
  /** Of a development agent: removes its data directory. */
  cleanUp?: () => Promise<void>;
}

interface Step {
  readonly name: string;
  readonly boundMs: number;
  readonly run: () => unknown;
}

export async function stopAgent(parts: OpenParts, log: Log): Promise<void> {
  const { engine, http } = parts;
  await runSteps(
    [
      { name: "client", boundMs: CLIENT_MS, run: () => parts.client?.stop() },
      { name: "cluster", boundMs: STEP_MS, run: () => parts.cluster?.stop() },
      {
        name: "hand-over",
        boundMs: TRANSFER_MS,
        run: () => (engine?.leadership().self ? engine.transferLeadership() : undefined),
      },
      { name: "requests", boundMs: DRAIN_MS + STEP_MS, run: () => http && drain(http) },
      { name: "server", boundMs: STEP_MS, run: () => parts.server?.close() },
      { name: "log", boundMs: STEP_MS, run: () => parts.raft?.stop({ transfer: false }) },
      { name: "peers", boundMs: STEP_MS, run: () => parts.peers?.close() },
      { name: "listener", boundMs: STEP_MS, run: () => parts.wire?.close() },
      { name: "data", boundMs: STEP_MS, run: () => parts.cleanUp?.() },
    ],
    log,
  );
}

export async function runSteps(steps: readonly Step[], log: Log): Promise<void> {
  for (const step of steps) {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const message = `not done in ${step.boundMs} ms`;
      timer = setTimeout(() => reject(new Error(message)), step.boundMs);
    });
    try {
      await Promise.race([step.run(), late]);
    } catch (error) {
      log("info", "stopping without waiting for a part", {
        part: step.name,
        reason: errorText(error),
      });
    } finally {
      clearTimeout(timer);
    }
  }
}

/** No new connections; those with a request under way get a moment. */
async function drain(http: HttpListener): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const closed = new Promise<void>((resolve) => http.node.close(() => resolve()));
  http.node.closeIdleConnections();
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, DRAIN_MS);
  });
  await Promise.race([closed, over]);
  clearTimeout(timer);
  await http.close();
}
