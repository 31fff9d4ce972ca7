/** Reads of nodes, pools and namespaces: spec chapter 8 §8.6. */
import {
  allocToWire,
  type Node,
  namespaceToWire,
  nodePoolToWire,
  nodeStubToWire,
  nodeToWire,
} from "@drover/model";
import type { ReadContext, ReadHandler } from "../handler.ts";
import { listReply } from "../lists.ts";
import { booleanParam } from "../query.ts";
import { checkUuid, checkUuidPrefix } from "../uuid-prefix.ts";
import { missing, objectIndex } from "./allocations.ts";
import { jobStubs } from "./jobs.ts";

function nodeStubs(context: ReadContext, keep: (node: Node) => boolean) {
  const options = {
    resources: booleanParam(context.query.all, "resources") ?? false,
    os: booleanParam(context.query.all, "os") ?? false,
  };
  return listReply(context, {
    items: context.snapshot.nodes(),
    index: context.snapshot.tableIndex("nodes"),
    encode: (node) => nodeStubToWire(node, options),
    token: (node) => node.id,
    byIndex: false,
    keep,
  });
}

const nodeList: ReadHandler = {
  kind: "read",
  tables: ["nodes"],
  run(context) {
    const prefix = checkUuidPrefix("node", context.query.prefix);
    return nodeStubs(context, (node) => node.id.startsWith(prefix));
  },
};

const nodeRead: ReadHandler = {
  kind: "read",
  tables: ["nodes"],
  run(context) {
    const node = context.snapshot.node(checkUuid("node", context.params.id ?? ""));
    const index = objectIndex(context, node, "nodes");
    return node ? { json: nodeToWire(node), index } : missing("node not found", index);
  },
};

const nodeAllocations: ReadHandler = {
  kind: "read",
  tables: ["allocs"],
  run(context) {
    const id = checkUuid("node", context.params.id ?? "");
    const allocs = context.snapshot.allocsByNode(id);
    return {
      json: allocs.map((alloc) => allocToWire(alloc, context.snapshot.allocJob(alloc) ?? null)),
      index: context.snapshot.tableIndex("allocs"),
    };
  },
};

const nodePoolList: ReadHandler = {
  kind: "read",
  tables: ["nodePools"],
  run: (context) =>
    listReply(context, {
      items: context.snapshot.nodePools(),
      index: context.snapshot.tableIndex("nodePools"),
      encode: nodePoolToWire,
      token: (pool) => pool.name,
      byIndex: false,
      keep: (pool) => pool.name.startsWith(context.query.prefix),
    }),
};

const nodePoolRead: ReadHandler = {
  kind: "read",
  tables: ["nodePools"],
  run(context) {
    const pool = context.snapshot.nodePool(context.params.name ?? "");
    const index = pool?.modifyIndex ?? context.snapshot.tableIndex("nodePools");
    return pool ? { json: nodePoolToWire(pool), index } : missing("node pool not found", index);
  },
};

const nodePoolNodes: ReadHandler = {
  kind: "read",
  tables: ["nodes"],
  run: (context) =>
    nodeStubs(
      context,
      (node) => context.params.name === "all" || node.nodePool === context.params.name,
    ),
};

const nodePoolJobs: ReadHandler = {
  kind: "read",
  tables: ["jobs", "summaries"],
  run: (context) => jobStubs(context, (job) => job.nodePool === context.params.name),
};

const namespaceList: ReadHandler = {
  kind: "read",
  tables: ["namespaces"],
  run: (context) =>
    listReply(context, {
      items: context.snapshot.namespaces(),
      index: context.snapshot.tableIndex("namespaces"),
      encode: namespaceToWire,
      token: (namespace) => namespace.name,
      byIndex: false,
      keep: (namespace) => namespace.name.startsWith(context.query.prefix),
    }),
};

const namespaceRead: ReadHandler = {
  kind: "read",
  tables: ["namespaces"],
  run(context) {
    const namespace = context.snapshot.namespace(context.params.name ?? "");
    const index = namespace?.modifyIndex ?? context.snapshot.tableIndex("namespaces");
    return namespace
      ? { json: namespaceToWire(namespace), index }
      : missing(`Namespace not found`, index);
  },
};

export const nodeReads = {
  nodeList,
  nodeRead,
  nodeAllocations,
  nodePoolList,
  nodePoolRead,
  nodePoolNodes,
  nodePoolJobs,
  namespaceList,
  namespaceRead,
} as const;
