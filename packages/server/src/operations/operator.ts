/** Operator settings, namespaces, services and forced garbage collection, on the leader. */
import { decideGc, type GcDecision } from "@drover/control";
import type { SchedulerConfig } from "@drover/model";
import type { ServerContext } from "../context.ts";
import { unwrap } from "./jobs.ts";

/** Rows that one entry collects at most. */
const GC_BATCH = 1_000;

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
  for (const batch of gcBatches(decision)) {
    unwrap(await context.propose({ tag: 17, ...NOTHING, ...batch }));
  }
}

const NOTHING: GcDecision = { allocs: [], evals: [], deployments: [], jobs: [], nodes: [] };

/** Small entries, so that none comes near the limit and none keeps the main thread busy. */
function* gcBatches(decision: GcDecision): Generator<Partial<GcDecision>> {
  // What refers to others goes before what it refers to.
  for (const kind of ["allocs", "evals", "deployments", "jobs", "nodes"] as const) {
    const chosen = decision[kind];
    for (let at = 0; at < chosen.length; at += GC_BATCH) {
      yield { [kind]: chosen.slice(at, at + GC_BATCH) };
    }
  }
}
