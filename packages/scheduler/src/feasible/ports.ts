/** Chooses the host ports of an allocation (spec §6.4 "Port assignment", §7.4 on addresses). */
import type { Random } from "@drover/base";
import type {
  AllocatedNetwork,
  AllocatedPort,
  Network,
  Node,
  Port,
  TaskGroup,
} from "@drover/model";
import type { NodeFilter } from "./filter.ts";
import { type HostAddress, type HostPorts, hostAddresses } from "./host-ports.ts";

/** After so many random misses the range is searched from a random start. */
const RANDOM_ATTEMPTS_MAX = 20;

export function needsPorts(group: TaskGroup): boolean {
  return (
    group.networks.length > 0 || group.tasks.some((task) => task.resources.networks.length > 0)
  );
}

/** Whether the node has the network modes and host networks that the group names. */
export class NetworkFilter implements NodeFilter {
  readonly #networks: readonly Network[];

  constructor(group: TaskGroup) {
    this.#networks = group.networks;
  }

  explain(node: Node): string | null {
    for (const network of this.#networks) {
      if (!hasMode(node, network.mode)) return "missing network";
      for (const port of [...network.reservedPorts, ...network.dynamicPorts]) {
        if (addressesFor(node, port).length > 0) continue;
        return `missing host network "${hostNetworkOf(port)}" for port "${port.label}"`;
      }
    }
    return null;
  }
}

function hasMode(node: Node, mode: string): boolean {
  if (mode === "" || mode === "host" || mode === "none") return true;
  return node.nodeResources.nodeNetworks.some((network) => network.mode === mode);
}

function hostNetworkOf(port: Port): string {
  return port.hostNetwork || "default";
}

function addressesFor(node: Node, port: Port): readonly HostAddress[] {
  const name = hostNetworkOf(port);
  return hostAddresses(node).filter((each) => each.alias === name);
}

interface AssignedNetwork {
  readonly network: AllocatedNetwork;
  readonly ports: readonly AllocatedPort[];
}

type PortAssignment =
  | { readonly ok: true; readonly networks: readonly AssignedNetwork[] }
  /** The dimension to count as exhausted. */
  | { readonly ok: false; readonly dimension: string };

interface PortContext {
  readonly node: Node;
  readonly hostPorts: HostPorts;
  readonly random: Random;
  /** `address:port` taken by earlier ports of the same allocation. */
  readonly taken: Set<string>;
}

export function assignPorts(
  networks: readonly Network[],
  context: Omit<PortContext, "taken"> & { readonly taken?: Set<string> },
): PortAssignment {
  const full = { ...context, taken: context.taken ?? new Set<string>() };
  const assigned: AssignedNetwork[] = [];
  for (const network of networks) {
    const one = assignNetwork(network, full);
    if (typeof one === "string") return { ok: false, dimension: one };
    assigned.push(one);
  }
  return { ok: true, networks: assigned };
}

function assignNetwork(network: Network, context: PortContext): AssignedNetwork | string {
  const reservedPorts: Port[] = [];
  const dynamicPorts: Port[] = [];
  const ports: AllocatedPort[] = [];
  const grant = (port: Port, into: Port[], address: string, value: number) => {
    context.taken.add(`${address}:${value}`);
    const to = port.to === -1 ? value : port.to;
    into.push({ ...port, value, to });
    const { label, ignoreCollision } = port;
    ports.push({ label, value, to, hostIp: address, ignoreCollision });
  };
  for (const port of network.reservedPorts) {
    const address = addressForStatic(port, context);
    if (address === undefined) {
      return `network: reserved port collision ${port.label}=${port.value}`;
    }
    grant(port, reservedPorts, address, port.value);
  }
  for (const port of network.dynamicPorts) {
    const found = chooseDynamic(port, context);
    if (!found) return "network: dynamic port selection failed";
    grant(port, dynamicPorts, found.address, found.value);
  }
  const { mode, device, mBits } = network;
  const ip = ports[0]?.hostIp ?? hostAddresses(context.node)[0]?.address ?? "";
  return { network: { mode, device, ip, mBits, reservedPorts, dynamicPorts }, ports };
}

function addressForStatic(port: Port, context: PortContext): string | undefined {
  const addresses = addressesFor(context.node, port);
  if (port.ignoreCollision) return addresses[0]?.address;
  return addresses.find(
    ({ address }) =>
      !context.taken.has(`${address}:${port.value}`) &&
      context.hostPorts.isFree(address, port.value),
  )?.address;
}

function chooseDynamic(
  port: Port,
  context: PortContext,
): { readonly address: string; readonly value: number } | null {
  const { minDynamicPort, maxDynamicPort } = context.node.nodeResources;
  const size = maxDynamicPort - minDynamicPort + 1;
  if (size <= 0) return null;
  for (const { address } of addressesFor(context.node, port)) {
    const isUsable = (value: number) =>
      !context.taken.has(`${address}:${value}`) && context.hostPorts.isUntouched(address, value);
    for (let attempt = 0; attempt < RANDOM_ATTEMPTS_MAX; attempt++) {
      const value = minDynamicPort + context.random.int(size);
      if (isUsable(value)) return { address, value };
    }
    const start = context.random.int(size);
    for (let i = 0; i < size; i++) {
      const value = minDynamicPort + ((start + i) % size);
      if (isUsable(value)) return { address, value };
    }
  }
  return null;
}
