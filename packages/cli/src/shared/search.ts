/** Which kind of thing a prefix names: one question about all kinds. */
import type { CallOptions } from "../api-client.ts";
import { type CommandContext, CommandError } from "../command.ts";
import { quote } from "../format/quote.ts";
import { orFail } from "./errors.ts";

export interface SearchMatches {
  /** Context name (`jobs`, `allocs`, …) → ids; contexts without a match are left out. */
  readonly byContext: ReadonlyMap<string, readonly string[]>;
}

export async function searchAll(
  { api }: CommandContext,
  prefix: string,
  query: CallOptions["query"] = {},
): Promise<SearchMatches> {
  const body = {
    Prefix: prefix,
    Context: "all",
    Region: "",
    Namespace: "",
    AllowStale: false,
    WaitIndex: 0,
    WaitTime: 0,
    Params: null,
    Headers: null,
    AuthToken: "",
    Filter: "",
    PerPage: 0,
    NextToken: "",
    Reverse: false,
  };
  const { doc } = await api.call("search", { body, query });
  const found = doc
    .entries("Matches")
    .map(([context, ids]) => [context, ids.list().map((id) => String(id.json))] as const)
    .filter(([, ids]) => ids.length > 0);
  return { byContext: new Map(found) };
}

const TITLES: Readonly<Record<string, string>> = {
  jobs: "Jobs",
  allocs: "Allocations",
  evals: "Evaluations",
  deployment: "Deployments",
  nodes: "Nodes",
  namespaces: "Namespaces",
};

/** The one thing that a prefix names: its context and id. */
export async function resolveId(
  context: CommandContext,
  prefix: string,
  query: CallOptions["query"] = {},
): Promise<{ readonly kind: string; readonly id: string }> {
  const search = searchAll(context, prefix, query);
  const { byContext } = await orFail(`Error querying search with id: ${quote(prefix)}`, search);
  const exact = [...byContext].filter(([, ids]) => ids.includes(prefix));
  const candidates = exact.length > 0 ? exact : [...byContext];
  const [first, ...others] = candidates;
  if (first === undefined) throw new CommandError(`Unable to resolve ID: ${quote(prefix)}`);
  const [kind, ids] = first;
  if (others.length === 0 && (ids.length === 1 || exact.length > 0)) {
    return { kind, id: exact.length > 0 ? prefix : (ids[0] ?? prefix) };
  }
  const lists = candidates.map(([name, all]) => `${TITLES[name] ?? name}:\n${all.join(", ")}`);
  throw new CommandError(`Multiple matches found for id ${quote(prefix)}\n\n${lists.join("\n\n")}`);
}
