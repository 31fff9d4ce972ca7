/** Which kind of thing a prefix names: one question about all kinds. */
import type { CommandContext } from "../command.ts";

export interface SearchMatches {
  /** Context name (`jobs`, `allocs`, …) → ids; contexts without a match are left out. */
  readonly byContext: ReadonlyMap<string, readonly string[]>;
}

export async function searchAll({ api }: CommandContext, prefix: string): Promise<SearchMatches> {
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
  const { doc } = await api.call("search", { body });
  const found = doc
    .entries("Matches")
    .map(([context, ids]) => [context, ids.list().map((id) => String(id.json))] as const)
    .filter(([, ids]) => ids.length > 0);
  return { byContext: new Map(found) };
}
