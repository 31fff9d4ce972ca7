/**
 * The first entry of a cluster: written alike by each of its first voters, so committed by
 * definition.
 */
import { encodeConf } from "./conf-state.ts";
import type { ConfState, Entry, HardState, MemberId } from "./types.ts";
import { EntryKind } from "./types.ts";

/** To be made durable before the core is built with it as `CoreInitial`. */
export function bootstrapState(
  voters: readonly { readonly id: MemberId; readonly address: string }[],
): { hardState: HardState; entries: readonly Entry[] } {
  const sorted = [...voters].sort((a, b) => (a.id < b.id ? -1 : 1));
  const conf: ConfState = {
    voters: sorted.map((v) => v.id),
    votersOutgoing: [],
    learners: [],
    learnersNext: [],
    autoLeave: false,
    addresses: Object.fromEntries(sorted.map((v) => [v.id, v.address])),
  };
  const entry: Entry = { index: 1, term: 1, kind: EntryKind.config, data: encodeConf(conf) };
  return { hardState: { term: 1, vote: "", commit: 1 }, entries: [Object.freeze(entry)] };
}
