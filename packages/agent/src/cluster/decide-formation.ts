/**
 * Whether a fresh server may form a cluster now (DESIGN §8). Only when all N servers expect N and
 * each of them names the identical set of ids: then every one of them comes to the same cluster id
 * and the same voters by itself, and none can form another beside it. Once one of them has formed
 * it, the others it counts on follow, whatever they hear of each other.
 */
import { createHash } from "node:crypto";
import type { AgentIdentity } from "./identity.ts";

export type FormationDecision =
  | { readonly kind: "wait"; readonly reason: string }
  | {
      readonly kind: "form";
      readonly clusterId: string;
      readonly voters: readonly { id: string; address: string }[];
    }
  /** A cluster exists and does not count on us: ask to be taken in. */
  | { readonly kind: "join"; readonly through: string; readonly clusterId: string };

export function decideFormation(
  self: AgentIdentity,
  peers: readonly AgentIdentity[],
): FormationDecision {
  const servers = peers.filter((peer) => peer.server && peer.id !== self.id);
  const formed = servers.filter((peer) => peer.clusterId !== "");
  if (formed.length > 0) return enterFormed(self, formed);
  if (self.expect === 0) return { kind: "wait", reason: "no server of a cluster answers" };
  const wrong = servers.find((peer) => peer.expect !== self.expect);
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
  const disagrees = servers.find((peer) => !sameIds(peer.known, ids));
  if (disagrees) return { kind: "wait", reason: `${disagrees.name} does not know all servers yet` };
  const voters = all.map((peer) => ({ id: peer.id, address: peer.rpcAddr }));
  voters.sort((a, b) => (a.id < b.id ? -1 : 1));
  return { kind: "form", clusterId: clusterIdOf(ids), voters };
}

function enterFormed(self: AgentIdentity, formed: readonly AgentIdentity[]): FormationDecision {
  const [first] = formed as readonly [AgentIdentity, ...AgentIdentity[]];
  const other = formed.find((peer) => peer.clusterId !== first.clusterId);
  if (other) {
    return {
      kind: "wait",
      reason: `${first.name} and ${other.name} belong to different clusters: name only one of them`,
    };
  }
  const { clusterId } = first;
  // Only as it was formed: what was added since is in the log that we do not have.
  const founding = formed.find(
    (peer) => peer.voters.includes(self.id) && clusterIdOf(peer.voters) === clusterId,
  );
  if (founding) {
    const voters = [...founding.voters]
      .sort()
      .map((id) => ({ id, address: founding.addresses[id] ?? "" }));
    return { kind: "form", clusterId, voters };
  }
  return { kind: "join", through: first.rpcAddr, clusterId };
}

function sameIds(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i]);
}

/** The same for everyone who formed the cluster: derived from the ids of its first voters. */
function clusterIdOf(ids: readonly string[]): string {
  const hex = createHash("sha256")
    .update([...ids].sort().join(","))
    .digest("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20, 32),
  ].join("-");
}
