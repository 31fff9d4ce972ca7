/**
 * Whether a fresh server may form a cluster now (DESIGN §8). Only when all N servers expect N and
 * each of them names the identical set of ids: then every one of them comes to the same cluster id
 * and the same voters by itself, and none can form another beside it.
 */
import type { AgentIdentity } from "./identity.ts";

export type FormationDecision =
  | { readonly kind: "wait"; readonly reason: string }
  | { readonly kind: "form"; readonly voters: readonly { id: string; address: string }[] }
  /** A cluster exists and does not count on us: ask to be taken in. */
  | { readonly kind: "join"; readonly through: string; readonly clusterId: string };

export function decideFormation(
  self: AgentIdentity,
  peers: readonly AgentIdentity[],
): FormationDecision {
  const servers = peers.filter((peer) => peer.server && peer.id !== self.id);
  const formed = servers.find((peer) => peer.clusterId !== "");
  if (formed && !formed.voters.includes(self.id)) {
    return { kind: "join", through: formed.rpcAddr, clusterId: formed.clusterId };
  }
  if (self.expect === 0) return { kind: "wait", reason: "no server of a cluster answers" };
  const wrong = servers.find((peer) => peer.clusterId === "" && peer.expect !== self.expect);
  if (wrong) {
    return {
      kind: "wait",
      reason: `${wrong.name} expects ${wrong.expect} servers, this one ${self.expect}`,
    };
  }
  const all = [self, ...servers];
  if (all.length !== self.expect) {
    return { kind: "wait", reason: `${all.length} of ${self.expect} servers are known` };
  }
  const ids = all.map((peer) => peer.id).sort();
  const disagrees = servers.find((peer) => peer.clusterId === "" && !sameIds(peer.known, ids));
  if (disagrees) return { kind: "wait", reason: `${disagrees.name} does not know all servers yet` };
  const voters = all.map((peer) => ({ id: peer.id, address: peer.rpcAddr }));
  voters.sort((a, b) => (a.id < b.id ? -1 : 1));
  return { kind: "form", voters };
}

function sameIds(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i]);
}
