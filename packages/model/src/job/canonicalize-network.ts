/** Ports that name no host network stand on the default one (spec chapter 1 §1.7). */
import type { Network } from "./network.ts";

export function canonicalizeNetworks(networks: readonly Network[]): void {
  for (const network of networks) {
    for (const port of [...network.reservedPorts, ...network.dynamicPorts]) {
      if (port.hostNetwork === "") port.hostNetwork = "default";
    }
  }
}
