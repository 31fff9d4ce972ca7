/** What client agents ask of the leader: registration, health, reports, services. */
import { DroverError } from "@drover/base";
import {
  type AllocClientReport,
  EvalTrigger,
  type Node,
  NodeStatus,
  nodeFactsHash,
  type ServiceRegistration,
} from "@drover/model";
import { computeNodeClass } from "@drover/state";
import type { ServerContext } from "../context.ts";
import { unwrap } from "../operations/jobs.ts";
import { nodeEvent } from "../operations/nodes.ts";
import type { HeartbeatLoop } from "./heartbeat-loop.ts";
import type { LeaderCalls } from "./leader-call.ts";
import { evalsForNode } from "./new-eval.ts";
import { reportEvals } from "./report-evals.ts";

interface Heartbeat {
  readonly nodeId: string;
  /** `nodeFactsHash` of what the client would register now. */
  readonly facts?: number;
}

export function registerClientOperations(
  context: ServerContext,
  calls: LeaderCalls,
  heartbeats: HeartbeatLoop,
): void {
  calls.register("node.register", (payload: { node: Node; secretId: string }, token) =>
    registerNode(context, heartbeats, payload, token),
  );
  calls.register("node.heartbeat", async (payload: Heartbeat, token) =>
    heartbeat(context, heartbeats, payload, token),
  );
  calls.register(
    "alloc.update",
    async (payload: { reports: (AllocClientReport & { nodeId: string })[] }, token) => {
      const evals = reportEvals(context.store.snapshot(), payload.reports, context.random);
      const result = unwrap(
        await context.propose({ tag: 7, token, reports: payload.reports, evals }),
      );
      return { index: result.index };
    },
  );
  calls.register("services.upsert", async (payload: { services: ServiceRegistration[] }, token) => {
    const result = unwrap(await context.propose({ tag: 20, token, services: payload.services }));
    return { index: result.index };
  });
  calls.register(
    "services.delete",
    async (payload: { ids: { namespace: string; id: string }[] }, token) => {
      const result = unwrap(await context.propose({ tag: 21, token, ids: payload.ids }));
      return { index: result.index };
    },
  );
}

async function registerNode(
  context: ServerContext,
  heartbeats: HeartbeatLoop,
  request: { readonly node: Node; readonly secretId: string },
  token: string,
): Promise<{ ttlMs: number; index: number }> {
  const snapshot = context.store.snapshot();
  const stored = snapshot.node(request.node.id);
  if (stored && stored.secretId !== request.secretId) {
    throw new DroverError("node-secret", "node secret ID does not match: is the id copied?");
  }
  const returns = stored !== undefined && stored.status === NodeStatus.down;
  const evals =
    !stored || stored.status !== NodeStatus.ready || mayRunMore(stored, request.node)
      ? evalsForNode(snapshot, request.node.id, EvalTrigger.nodeUpdate, context.random)
      : [];
  const event = stored ? (returns ? "Node re-registered" : "") : "Node registered";
  const node: Node = {
    ...request.node,
    secretId: request.secretId,
    status: NodeStatus.ready,
    events: event === "" ? [] : [nodeEvent(context, "Cluster", event)],
  };
  const result = unwrap(await context.propose({ tag: 9, token, node, evals }));
  return { ttlMs: heartbeats.beat(request.node.id), index: result.index };
}

/** System jobs that a filter kept away wait in no queue: somebody has to look again. */
function mayRunMore(stored: Node, node: Node): boolean {
  return stored.computedClass !== computeNodeClass(node);
}

/**
 * A node that was given up and still lives is ready again. An earlier registration may have come
 * after a later one, by way of another server: what is known is compared with what the client says.
 */
async function heartbeat(
  context: ServerContext,
  heartbeats: HeartbeatLoop,
  { facts, nodeId }: Heartbeat,
  token: string,
): Promise<{ ttlMs: number; isStale: boolean }> {
  const snapshot = context.store.snapshot();
  const node = snapshot.node(nodeId);
  if (!node) throw new DroverError("unknown-node", `node ${nodeId} is not registered`);
  if (node.status !== NodeStatus.ready) {
    unwrap(
      await context.propose({
        tag: 11,
        token,
        nodeId,
        status: NodeStatus.ready,
        event: nodeEvent(context, "Cluster", "Node reregistered by heartbeat"),
        evals: evalsForNode(snapshot, nodeId, EvalTrigger.nodeUpdate, context.random),
      }),
    );
  }
  const isStale = facts !== undefined && facts !== nodeFactsHash(node);
  return { ttlMs: heartbeats.beat(nodeId), isStale };
}
