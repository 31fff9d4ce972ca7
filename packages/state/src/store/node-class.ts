/**
 * The computed class of a node: equal for nodes that no constraint on shared attributes can tell
 * apart (spec chapter 6 §6.3). Feasibility is cached and blocked evaluations are keyed by it.
 */
import type { Node } from "@drover/model";
import { Hash64 } from "./hash.ts";

const UNIQUE = "unique.";

export function computeNodeClass(node: Node): string {
  const hash = new Hash64("v1");
  hash.add(node.datacenter).add(node.nodeClass).add(node.nodePool);
  for (const map of [node.attributes, node.meta]) {
    for (const key of Object.keys(map).sort()) {
      if (!key.startsWith(UNIQUE)) hash.add(key).add(map[key] ?? "");
    }
    hash.add("");
  }
  for (const name of Object.keys(node.drivers).sort()) {
    const driver = node.drivers[name];
    hash
      .add(name)
      .add(driver?.detected ? "1" : "0")
      .add(driver?.healthy ? "1" : "0");
  }
  hash.add(JSON.stringify(node.nodeResources.devices)).add(JSON.stringify(node.hostVolumes));
  hash.add(JSON.stringify(node.hostNetworks));
  return `v1:${BigInt(`0x${hash.digest()}`)}`;
}
