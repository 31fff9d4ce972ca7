/** The list of members as users see it, from what the agents said of themselves. */
import type { MemberInfo } from "../agent-info.ts";
import type { AgentIdentity, Upkeep } from "./identity.ts";

export interface MemberListInput {
  readonly own: AgentIdentity;
  readonly heard: readonly AgentIdentity[];
  /** Ids of those who answered just now. */
  readonly alive: ReadonlySet<string>;
  /** As this machine's own log says; empty outside Raft. */
  readonly voters: readonly string[];
  readonly standbys: readonly string[];
  readonly leader: string;
  readonly now: number;
}

export function listMembers(input: MemberListInput): MemberInfo[] {
  const heard = [...input.heard.filter((peer) => peer.id !== input.own.id), input.own];
  const all = [...heard, ...unheard(input, heard)];
  const voters = new Set(
    input.voters.length > 0 ? input.voters : all.flatMap((peer) => peer.voters),
  );
  const own = [...input.voters, ...input.standbys];
  const members = new Set(own.length > 0 ? own : all.flatMap((p) => Object.keys(p.addresses)));
  // What the dead said last was true then.
  const answering = input.heard.filter((peer) => input.alive.has(peer.id));
  const leader = input.leader || (newestLeader(answering)?.leader ?? "");
  const upkeep = all.find((peer) => peer.id === leader)?.upkeep ?? null;
  return all
    .map((peer) => ({
      ...healthOf(peer, upkeep, input, leader),
      id: peer.id,
      name: peer.name,
      rpcAddr: peer.rpcAddr,
      httpAddr: peer.httpAddr,
      datacenter: peer.datacenter,
      server: peer.server,
      client: peer.client,
      voter: voters.has(peer.id),
      inRaft: members.has(peer.id),
      leader: peer.id === leader,
      alive: input.alive.has(peer.id),
      quarantine: peer.quarantine ?? "",
      level: peer.level,
      term: peer.term,
      lastIndex: peer.lastIndex,
      expect: peer.expect,
      bootstrap: peer.expect === 1,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/**
 * Members of the configuration that no agent says it is: whose machine was dead already when this
 * one started, or came back as another member. They hold their places, and count as dead ones.
 */
function unheard(
  { own, voters, standbys }: MemberListInput,
  heard: readonly AgentIdentity[],
): AgentIdentity[] {
  const known = new Set(heard.map((peer) => peer.id));
  const silent = [...voters, ...standbys].filter((id) => !known.has(id));
  return silent.map((id) => ({
    ...own,
    id,
    name: "(unknown)",
    rpcAddr: own.addresses[id] ?? "",
    httpAddr: "",
    datacenter: "",
    server: false,
    client: false,
    expect: 0,
    known: [],
    leader: "",
    term: 0,
    lastIndex: 0,
    peers: [],
    upkeep: null,
    quarantine: "",
  }));
}

function healthOf(
  { id }: AgentIdentity,
  upkeep: Upkeep | null,
  { alive, now }: MemberListInput,
  leader: string,
): Pick<MemberInfo, "healthy" | "lastContactMs" | "since" | "upkeepReason"> {
  const judged = upkeep?.members.find((member) => member.id === id);
  return {
    // Nobody's health is known where nobody leads.
    healthy: leader !== "" && alive.has(id) && judged?.healthy !== false,
    lastContactMs: Math.round(judged?.lastContactMs ?? 0),
    since: judged === undefined ? 0 : Math.round(now - judged.healthyForMs),
    upkeepReason: id === leader ? (upkeep?.reason ?? "") : "",
  };
}

/** Who knows of the newest leader. */
export function newestLeader(heard: readonly AgentIdentity[]): AgentIdentity | undefined {
  let best: AgentIdentity | undefined;
  for (const peer of heard) {
    if (peer.leader !== "" && (!best || peer.term > best.term)) best = peer;
  }
  return best;
}
