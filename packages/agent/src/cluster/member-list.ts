/** The list of members as users see it, from what the agents said of themselves. */
import type { MemberInfo } from "../agent-info.ts";
import type { AgentIdentity } from "./identity.ts";

export interface MemberListInput {
  readonly own: AgentIdentity;
  readonly heard: readonly AgentIdentity[];
  /** Ids of those who answered just now. */
  readonly alive: ReadonlySet<string>;
  /** As this machine's own log says; empty outside Raft. */
  readonly voters: readonly string[];
  readonly leader: string;
}

export function listMembers(input: MemberListInput): MemberInfo[] {
  const all = [...input.heard.filter((peer) => peer.id !== input.own.id), input.own];
  const voters = new Set(
    input.voters.length > 0 ? input.voters : all.flatMap((peer) => peer.voters),
  );
  const leader = input.leader || (newestLeader(input.heard)?.leader ?? "");
  return all
    .map((peer) => ({
      id: peer.id,
      name: peer.name,
      rpcAddr: peer.rpcAddr,
      httpAddr: peer.httpAddr,
      datacenter: peer.datacenter,
      server: peer.server,
      client: peer.client,
      voter: voters.has(peer.id),
      leader: peer.id === leader,
      alive: input.alive.has(peer.id),
      term: peer.term,
      lastIndex: peer.lastIndex,
      since: 0,
      expect: peer.expect,
      bootstrap: peer.expect === 1,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** Who knows of the newest leader. */
export function newestLeader(heard: readonly AgentIdentity[]): AgentIdentity | undefined {
  let best: AgentIdentity | undefined;
  for (const peer of heard) {
    if (peer.leader !== "" && (!best || peer.term > best.term)) best = peer;
  }
  return best;
}
