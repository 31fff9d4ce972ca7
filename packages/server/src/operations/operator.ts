/** Operator settings, namespaces, services and forced garbage collection, on the leader. */
import { decideGc } from "@drover/control";
import type { SchedulerConfig } from "@drover/model";
import type { ServerContext } from "../context.ts";
import { unwrap } from "./jobs.ts";

export async function setSchedulerConfig(
  context: ServerContext,
  request: {
    readonly config: SchedulerConfig;
    readonly cas: number | null;
    readonly token: string;
  },
): Promise<{ readonly updated: boolean; readonly index: number }> {
  const result = unwrap(await context.propose({ tag: 19, ...request }));
  return { updated: result.value.updated ?? true, index: result.index };
}

export async function upsertNamespace(
  context: ServerContext,
  request: {
    readonly name: string;
    readonly description: string;
    readonly meta: Readonly<Record<string, string>>;
    readonly token: string;
  },
): Promise<number> {
  const namespaces = [
    {
      name: request.name,
      description: request.description,
      quota: "",
      meta: { ...request.meta },
      capabilities: null,
      createIndex: 0,
      modifyIndex: 0,
    },
  ];
  return unwrap(await context.propose({ tag: 22, token: request.token, namespaces })).index;
}

export async function deleteNamespace(
  context: ServerContext,
  request: { readonly name: string; readonly token: string },
): Promise<number> {
  const draft = { tag: 23, token: request.token, names: [request.name] } as const;
  return unwrap(await context.propose(draft)).index;
}

export async function deleteService(
  context: ServerContext,
  request: { readonly namespace: string; readonly id: string; readonly token: string },
): Promise<number> {
  const { namespace, id, token } = request;
  return unwrap(await context.propose({ tag: 21, token, ids: [{ namespace, id }] })).index;
}

/** One pass; `force` ignores the ages (spec chapter 9 §9.5). */
export async function collectGarbage(
  context: ServerContext,
  options: { readonly force: boolean },
): Promise<void> {
  const decision = decideGc(context.store.snapshot(), {
    now: Math.max(context.clock.now(), context.store.clock),
    force: options.force,
  });
  const total =
    decision.evals.length +
    decision.allocs.length +
    decision.deployments.length +
    decision.jobs.length +
    decision.nodes.length;
  if (total === 0) return;
  unwrap(await context.propose({ tag: 17, ...decision }));
}
