/**
 * Which ports of each host address are taken. Agents on one machine share its addresses, so ports
 * belong to an address and not to a node.
 */
import { type Allocation, isClientTerminal, type Node, type StateReader } from "@drover/model";

/** A port that was in use lately is not handed out again at once: late packets, slow releases. */
const QUARANTINE_MS = 60_000;

interface AddressPorts {
  /** Port → how many allocations hold it; those that are told to stop hold theirs until gone. */
  readonly held: Map<number, number>;
  /** The part of `held` that allocations stopped by this plan give free. */
  readonly released: Map<number, number>;
  readonly reserved: ReadonlySet<number>;
  readonly quarantined: ReadonlySet<number>;
}

export interface HostAddress {
  readonly address: string;
  /** Name of the host network. */
  readonly alias: string;
}

export class HostPorts {
  readonly #state: StateReader;
  readonly #now: number;
  readonly #addresses = new Map<string, AddressPorts>();
  /** This plan's own changes; an address that is first asked about later must see them too. */
  readonly #placed = new Set<Allocation>();
  readonly #stopped = new Set<Allocation>();
  #sharers: Map<string, Node[]> | null = null;

  constructor(state: StateReader, now: number) {
    this.#state = state;
    this.#now = now;
  }

  /** Whether a static port may be given out. */
  isFree(address: string, port: number): boolean {
    const ports = this.#portsOf(address);
    if (ports.reserved.has(port)) return false;
    return (ports.held.get(port) ?? 0) <= (ports.released.get(port) ?? 0);
  }

  /** Whether a dynamic port may be given out: nobody holds it, not even one that is stopping. */
  isUntouched(address: string, port: number): boolean {
    const ports = this.#portsOf(address);
    return !ports.reserved.has(port) && !ports.quarantined.has(port) && !ports.held.has(port);
  }

  /** The plan places `alloc`. */
  hold(alloc: Allocation): void {
    this.#placed.add(alloc);
    this.#each(alloc, (ports, port) => increment(ports.held, port));
  }

  /** The plan stops `alloc`. */
  release(alloc: Allocation): void {
    this.#stopped.add(alloc);
    this.#each(alloc, (ports, port) => increment(ports.released, port));
  }

  /** The plan keeps `alloc` after all. */
  takeBack(alloc: Allocation): void {
    this.#stopped.delete(alloc);
    this.#each(alloc, (ports, port) => decrement(ports.released, port));
  }

  #each(alloc: Allocation, act: (ports: AddressPorts, port: number) => void): void {
    for (const { hostIp, value } of alloc.allocatedResources.shared.ports) {
      const ports = this.#addresses.get(hostIp);
      if (ports) act(ports, value);
    }
  }

  #portsOf(address: string): AddressPorts {
    const known = this.#addresses.get(address);
    if (known) return known;
    const ports = this.#collect(address);
    this.#addresses.set(address, ports);
    return ports;
  }

  #collect(address: string): AddressPorts {
    const held = new Map<number, number>();
    const quarantined = new Set<number>();
    const reserved = new Set<number>();
    for (const node of this.#nodesAt(address)) {
      for (const port of reservedPortsOf(node, address)) reserved.add(port);
      for (const alloc of this.#state.allocsByNode(node.id)) {
        const isGone = isClientTerminal(alloc);
        if (isGone && this.#now - alloc.modifyTime > QUARANTINE_MS) continue;
        for (const port of portsAt([alloc], address)) {
          if (isGone) quarantined.add(port);
          else increment(held, port);
        }
      }
    }
    const released = new Map<number, number>();
    for (const port of portsAt(this.#placed, address)) increment(held, port);
    for (const port of portsAt(this.#stopped, address)) increment(released, port);
    return { held, released, reserved, quarantined };
  }

  #nodesAt(address: string): readonly Node[] {
    this.#sharers ??= groupByAddress(this.#state.nodes());
    return this.#sharers.get(address) ?? [];
  }
}

function* portsAt(allocs: Iterable<Allocation>, address: string): Iterable<number> {
  for (const alloc of allocs) {
    for (const { hostIp, value } of alloc.allocatedResources.shared.ports) {
      if (hostIp === address) yield value;
    }
  }
}

function groupByAddress(nodes: Iterable<Node>): Map<string, Node[]> {
  const byAddress = new Map<string, Node[]>();
  for (const node of nodes) {
    for (const { address } of hostAddresses(node)) {
      const sharers = byAddress.get(address);
      if (!sharers) byAddress.set(address, [node]);
      else if (sharers.at(-1) !== node) sharers.push(node);
    }
  }
  return byAddress;
}

const addressCache = new WeakMap<Node, readonly HostAddress[]>();

/** The addresses on which a node hands out ports, in the node's own order. */
export function hostAddresses(node: Node): readonly HostAddress[] {
  const known = addressCache.get(node);
  if (known) return known;
  const addresses = node.nodeResources.nodeNetworks.flatMap((network) =>
    network.addresses.map(({ address, alias }) => ({ address, alias: alias || "default" })),
  );
  addressCache.set(node, addresses);
  return addresses;
}

function* reservedPortsOf(node: Node, address: string): Iterable<number> {
  yield* parsePortRanges(node.reservedResources.networks.reservedHostPorts);
  for (const network of node.nodeResources.nodeNetworks) {
    for (const each of network.addresses) {
      if (each.address === address) yield* parsePortRanges(each.reservedPorts);
    }
  }
}

/** `22,80,8500-8600` → each port. */
export function* parsePortRanges(text: string): Iterable<number> {
  for (const part of text.split(",")) {
    const match = /^\s*(\d+)(?:\s*-\s*(\d+))?\s*$/.exec(part);
    if (!match) continue;
    const first = Number(match[1]);
    const last = Math.min(Number(match[2] ?? first), 65_535);
    for (let port = first; port <= last; port++) yield port;
  }
}

function increment(counts: Map<number, number>, port: number): void {
  counts.set(port, (counts.get(port) ?? 0) + 1);
}

function decrement(counts: Map<number, number>, port: number): void {
  const count = (counts.get(port) ?? 0) - 1;
  if (count > 0) counts.set(port, count);
  else counts.delete(port);
}
