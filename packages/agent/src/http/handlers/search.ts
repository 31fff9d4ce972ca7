/** Prefix search over everything that has an id (spec chapter 8 §8.8). */
import { internal } from "@drover/api";
import { Fields } from "../fields.ts";
import type { ReadContext, ReadHandler } from "../handler.ts";

const PER_CONTEXT_MAX = 20;
const CONTEXTS = [
  "allocs",
  "deployment",
  "evals",
  "host_volumes",
  "jobs",
  "namespaces",
  "node_pools",
  "nodes",
  "plugins",
  "quotas",
  "recommendations",
  "scaling_policy",
  "vars",
  "volumes",
] as const;
/** In the order in which a refusal names them. */
const NAMED = [
  "allocs",
  "jobs",
  "nodes",
  "node_pools",
  "evals",
  "deployment",
  "plugins",
  "volumes",
  "scaling_policy",
  "vars",
  "namespaces",
  "host_volumes",
];
type SearchContext = (typeof CONTEXTS)[number];

const UUID_CONTEXTS: readonly SearchContext[] = ["allocs", "deployment", "evals", "nodes"];
/** Known to the field, empty here, and reported so. */
const ALWAYS_EMPTY: readonly SearchContext[] = [
  "host_volumes",
  "plugins",
  "scaling_policy",
  "vars",
  "volumes",
];

export const search: ReadHandler = {
  kind: "read",
  tables: ["jobs", "allocs", "evals", "deployments", "nodes"],
  withBody: true,
  run(context) {
    const body = new Fields(context.body, "api.SearchRequest");
    const prefix = body.string("Prefix");
    const asked = searchContexts(body.string("Context"), prefix);
    const matches: Record<string, readonly string[] | null> = {};
    const truncations: Record<string, boolean> = {};
    for (const name of asked) {
      const ids = idsOf(context, name, prefix);
      matches[name] = ids.length > 0 ? ids.slice(0, PER_CONTEXT_MAX) : null;
      truncations[name] = ids.length > PER_CONTEXT_MAX;
    }
    const index = context.snapshot.tableIndex("jobs", "allocs", "evals", "deployments", "nodes");
    return {
      json: {
        Index: index,
        KnownLeader: true,
        LastContact: 0,
        Matches: matches,
        NextToken: "",
        Truncations: truncations,
      },
      index,
    };
  },
};

export function searchContexts(name: string, prefix: string): readonly SearchContext[] {
  if (name === "all") {
    const text = CONTEXTS.filter(
      (c) => !UUID_CONTEXTS.includes(c) && c !== "quotas" && c !== "recommendations",
    );
    return isHex(prefix) ? [...UUID_CONTEXTS, ...text] : text;
  }
  const found = CONTEXTS.find((c) => c === name);
  if (!found) {
    throw internal(
      `context must be one of [${NAMED.join(" ")}] or 'all' for all contexts; ` +
        `got ${JSON.stringify(name)}`,
    );
  }
  return [found];
}

function isHex(prefix: string): boolean {
  return /^[0-9a-f-]*$/i.test(prefix);
}

function idsOf(context: ReadContext, name: SearchContext, prefix: string): string[] {
  if (ALWAYS_EMPTY.includes(name)) return [];
  const { snapshot, query } = context;
  const inside = (item: { readonly namespace: string }) =>
    query.namespace === "*" || item.namespace === query.namespace;
  const lower = prefix.toLowerCase();
  switch (name) {
    case "jobs":
      return pick(snapshot.jobs(), (j) => inside(j) && j.id.startsWith(prefix));
    case "allocs":
      return pick(snapshot.allocs(), (a) => inside(a) && a.id.startsWith(lower));
    case "evals":
      return pick(snapshot.evaluations(), (e) => inside(e) && e.id.startsWith(lower));
    case "deployment":
      return pick(snapshot.deployments(), (d) => inside(d) && d.id.startsWith(lower));
    case "nodes":
      return pick(snapshot.nodes(), (n) => n.id.startsWith(lower));
    case "namespaces":
      return [...snapshot.namespaces()].map((n) => n.name).filter((n) => n.startsWith(prefix));
    case "node_pools":
      return [...snapshot.nodePools()].map((p) => p.name).filter((n) => n.startsWith(prefix));
    default:
      return [];
  }
}

function pick<T extends { readonly id: string }>(
  items: Iterable<T>,
  keep: (item: T) => boolean,
): string[] {
  const ids: string[] = [];
  for (const item of items) if (keep(item)) ids.push(item.id);
  return ids.sort();
}
