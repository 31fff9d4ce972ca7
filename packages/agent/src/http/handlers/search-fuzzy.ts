/** Search by a part of a name, over jobs and what they are made of (spec chapter 8 §8.8). */
import { internal } from "@drover/api";
import type { Job } from "@drover/model";
import { Fields } from "../fields.ts";
import type { ReadContext, ReadHandler } from "../handler.ts";
import { searchContexts } from "./search.ts";

const PER_CONTEXT_MAX = 20;
const TEXT_MIN = 2;
/** Named by UUID, so searched by prefix only; listed as empty where everything is asked for. */
const BY_ID = ["deployment", "evals", "host_volumes", "scaling_policy", "volumes"];

/** What a task runs, as its driver's configuration names it. */
const CONFIG_NAMES = [
  ["images", "image"],
  ["commands", "command"],
] as const;

interface Match {
  readonly ID: string;
  readonly Scope: readonly string[];
}

export const searchFuzzy: ReadHandler = {
  kind: "read",
  tables: ["jobs", "allocs", "nodes", "namespaces", "nodePools"],
  withBody: true,
  run(context) {
    const body = new Fields(context.body, "api.FuzzySearchRequest");
    const text = body.string("Text");
    if (text.length < TEXT_MIN) {
      throw internal(
        `fuzzy search query must be at least ${TEXT_MIN} characters, got ${text.length}`,
      );
    }
    const name = body.string("Context");
    const asked = searchContexts(name, "");
    const found = new Map<string, Match[]>();
    if (name === "all") for (const kind of BY_ID) found.set(kind, []);
    const needle = text.toLowerCase();
    const add = (kind: string, id: string, scope: readonly string[]) => {
      if (!id.toLowerCase().includes(needle)) return;
      const list = found.get(kind) ?? [];
      list.push({ ID: id, Scope: scope });
      found.set(kind, list);
    };
    if (asked.includes("jobs")) searchJobs(context, add);
    if (asked.includes("allocs")) searchAllocs(context, add);
    if (asked.includes("nodes")) {
      for (const node of context.snapshot.nodes()) add("nodes", node.name, [node.id]);
    }
    if (asked.includes("namespaces")) {
      for (const space of context.snapshot.namespaces()) add("namespaces", space.name, []);
    }
    if (asked.includes("node_pools")) {
      for (const pool of context.snapshot.nodePools()) add("node_pools", pool.name, []);
    }
    return reply(context, asked, found);
  },
};

function reply(
  context: ReadContext,
  asked: readonly string[],
  found: ReadonlyMap<string, readonly Match[]>,
) {
  const matches: Record<string, readonly Match[]> = {};
  for (const [kind, list] of found) matches[kind] = ranked(list).slice(0, PER_CONTEXT_MAX);
  const cut = (kind: string) => (found.get(kind)?.length ?? 0) > PER_CONTEXT_MAX;
  const index = context.snapshot.tableIndex("jobs", "allocs", "nodes");
  return {
    json: {
      Index: index,
      KnownLeader: true,
      LastContact: 0,
      Matches: matches,
      NextToken: "",
      Truncations: Object.fromEntries(asked.map((kind) => [kind, cut(kind)])),
    },
    index,
  };
}

type Add = (kind: string, id: string, scope: readonly string[]) => void;

function visible(context: ReadContext, item: { readonly namespace: string }): boolean {
  return context.query.namespace === "*" || item.namespace === context.query.namespace;
}

function searchJobs(context: ReadContext, add: Add): void {
  for (const job of context.snapshot.jobs()) {
    if (!visible(context, job)) continue;
    add("jobs", job.name, [job.namespace, job.id]);
    searchGroups(job, add);
  }
}

function searchGroups(job: Job, add: Add): void {
  for (const group of job.taskGroups) {
    const scope = [job.namespace, job.id];
    add("groups", group.name, scope);
    for (const service of group.services) add("services", service.name, [...scope, group.name]);
    for (const task of group.tasks) {
      const inner = [...scope, group.name];
      add("tasks", task.name, inner);
      for (const service of task.services) add("services", service.name, [...inner, task.name]);
      for (const [kind, member] of CONFIG_NAMES) {
        const value = (task.config as Readonly<Record<string, unknown>> | null)?.[member];
        if (typeof value === "string") add(kind, value, [...inner, task.name]);
      }
    }
  }
}

function searchAllocs(context: ReadContext, add: Add): void {
  for (const alloc of context.snapshot.allocs()) {
    if (visible(context, alloc)) add("allocs", alloc.name, [alloc.namespace, alloc.id]);
  }
}

/** By name, then by where it is. */
function ranked(matches: readonly Match[]): Match[] {
  const key = (match: Match) => [match.ID, ...match.Scope].join("\0");
  return [...matches].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}
