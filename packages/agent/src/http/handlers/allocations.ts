/** Reads of allocations, evaluations and deployments: spec chapter 8 §8.3 to §8.5. */
import { notFound } from "@drover/api";
import {
  type Allocation,
  allocStubToWire,
  allocToWire,
  deploymentToWire,
  type Evaluation,
  evalToWire,
  serviceRegistrationToWire,
} from "@drover/model";
import type { ReadContext, ReadHandler, ReadResult } from "../handler.ts";
import { indexToken, inNamespace, listReply } from "../lists.ts";
import { booleanParam } from "../query.ts";
import { checkUuid, checkUuidPrefix } from "../uuid-prefix.ts";

export function allocStubs(
  context: ReadContext,
  allocs: readonly Allocation[],
  index: number,
): ReadResult {
  const options = {
    resources: booleanParam(context.query.all, "resources") ?? false,
    taskStates: booleanParam(context.query.all, "task_states") ?? true,
  };
  return listReply(context, {
    items: allocs,
    index,
    encode: (alloc) => allocStubToWire(alloc, context.snapshot.allocJob(alloc) ?? null, options),
    token: indexToken,
    byIndex: true,
  });
}

/** Index of an object that exists, or of its table while it does not. */
export function objectIndex(
  context: ReadContext,
  object: { readonly modifyIndex: number } | undefined,
  table: "allocs" | "evals" | "deployments" | "nodes" | "jobs",
): number {
  return object?.modifyIndex ?? context.snapshot.tableIndex(table);
}

export function highestIndex(
  context: ReadContext,
  items: readonly { readonly modifyIndex: number }[],
  table: "allocs" | "evals" | "deployments",
): number {
  // Never 0: who holds a query for what is newer than 0 is answered at once, again and again.
  if (items.length === 0) return Math.max(1, context.snapshot.tableIndex(table));
  return Math.max(...items.map((item) => item.modifyIndex));
}

const allocList: ReadHandler = {
  kind: "read",
  tables: ["allocs"],
  run(context) {
    const prefix = checkUuidPrefix("alloc", context.query.prefix);
    const allocs = [...context.snapshot.allocs()].filter(
      (alloc) => inNamespace(context, alloc) && alloc.id.startsWith(prefix),
    );
    return allocStubs(context, allocs, context.snapshot.tableIndex("allocs"));
  },
};

const allocRead: ReadHandler = {
  kind: "read",
  tables: ["allocs"],
  run(context) {
    const alloc = context.snapshot.alloc(checkUuid("alloc", context.params.id ?? ""));
    const index = objectIndex(context, alloc, "allocs");
    if (!alloc) return missing("alloc not found", index);
    return { json: allocToWire(alloc, context.snapshot.allocJob(alloc) ?? null), index };
  },
};

const allocServices: ReadHandler = {
  kind: "read",
  tables: ["services"],
  run(context) {
    const id = checkUuid("alloc", context.params.id ?? "");
    return {
      json: context.snapshot.servicesByAlloc(id).map(serviceRegistrationToWire),
      index: context.snapshot.tableIndex("services"),
    };
  },
};

/** A 404 that still carries the headers of a read (spec chapter 8 §8.1). */
export function missing(message: string, index: number): ReadResult {
  return {
    status: notFound(message).status,
    text: { body: message, contentType: "text/plain; charset=utf-8" },
    index,
  };
}

const evalList: ReadHandler = {
  kind: "read",
  tables: ["evals"],
  run(context) {
    const prefix = checkUuidPrefix("eval", context.query.prefix);
    const status = context.query.all.get("status") ?? "";
    const job = context.query.all.get("job") ?? "";
    return listReply(context, {
      items: context.snapshot.evaluations(),
      index: context.snapshot.tableIndex("evals"),
      encode: (item) => evalToWire(item),
      token: indexToken,
      byIndex: true,
      keep: (item) =>
        inNamespace(context, item) &&
        item.id.startsWith(prefix) &&
        (status === "" || item.status === status) &&
        (job === "" || item.jobId === job),
    });
  },
};

const evalCount: ReadHandler = {
  kind: "read",
  tables: ["evals"],
  run(context) {
    const index = context.snapshot.tableIndex("evals");
    let count = 0;
    for (const item of context.snapshot.evaluations()) if (inNamespace(context, item)) count++;
    return {
      json: { Count: count, Index: index, KnownLeader: true, LastContact: 0, NextToken: "" },
      index,
    };
  },
};

const evalRead: ReadHandler = {
  kind: "read",
  tables: ["evals"],
  run(context) {
    const item = context.snapshot.evaluation(checkUuid("eval", context.params.id ?? ""));
    const index = objectIndex(context, item, "evals");
    if (!item) return missing("eval not found", index);
    const related =
      context.query.all.get("related") === "true" ? relatedEvals(context, item) : undefined;
    return { json: evalToWire(item, related), index };
  },
};

/** The chain of evaluations that gave rise to each other. */
function relatedEvals(context: ReadContext, start: Evaluation): Evaluation[] {
  const seen = new Map<string, Evaluation>();
  const queue = [start.nextEval, start.previousEval, start.blockedEval];
  for (const id of queue) {
    const item = id === "" || id === start.id ? undefined : context.snapshot.evaluation(id);
    if (!item || seen.has(item.id)) continue;
    seen.set(item.id, item);
    queue.push(item.nextEval, item.previousEval, item.blockedEval);
  }
  return [...seen.values()];
}

const evalAllocations: ReadHandler = {
  kind: "read",
  tables: ["allocs"],
  run(context) {
    const allocs = context.snapshot.allocsByEval(checkUuid("eval", context.params.id ?? ""));
    return allocStubs(context, allocs, highestIndex(context, allocs, "allocs"));
  },
};

const deploymentList: ReadHandler = {
  kind: "read",
  tables: ["deployments"],
  run(context) {
    const prefix = checkUuidPrefix("", context.query.prefix);
    return listReply(context, {
      items: context.snapshot.deployments(),
      index: context.snapshot.tableIndex("deployments"),
      encode: deploymentToWire,
      token: indexToken,
      byIndex: true,
      keep: (item) => inNamespace(context, item) && item.id.startsWith(prefix),
    });
  },
};

const deploymentRead: ReadHandler = {
  kind: "read",
  tables: ["deployments"],
  run(context) {
    const item = context.snapshot.deployment(checkUuid("deployment", context.params.id ?? ""));
    const index = objectIndex(context, item, "deployments");
    if (!item) return missing("deployment not found", index);
    return { json: deploymentToWire(item), index };
  },
};

const deploymentAllocations: ReadHandler = {
  kind: "read",
  tables: ["allocs"],
  run(context) {
    const id = checkUuid("deployment", context.params.id ?? "");
    const allocs = context.snapshot.allocsByDeployment(id);
    return allocStubs(context, allocs, highestIndex(context, allocs, "allocs"));
  },
};

export const allocationReads = {
  allocList,
  allocRead,
  allocServices,
  evalList,
  evalCount,
  evalRead,
  evalAllocations,
  deploymentList,
  deploymentRead,
  deploymentAllocations,
} as const;
