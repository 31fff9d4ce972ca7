/** What joins the processes, and cuts it: each direction of each pair by itself. */
import { LoopbackNetwork } from "./loopback.ts";
import { NamespaceNetwork } from "./namespaces.ts";

export interface RealNetwork {
  /** Where a member listens. */
  hostOf(member: number): string;
  netnsOf(member: number): string | undefined;
  /** Before anyone speaks: whom each member dials instead of whom. */
  connect(addresses: readonly string[]): Promise<readonly Readonly<Record<string, string>>[]>;
  /** What `from` says to `to` is lost, or waits. */
  setCut(from: number, to: number, isCut: boolean): Promise<void>;
  close(): Promise<void>;
}

export type NetworkKind = "loopback" | "namespaces";

/** Says why there is none. */
export async function openNetwork(
  kind: NetworkKind,
  members: number,
): Promise<RealNetwork | string> {
  if (kind === "loopback") return new LoopbackNetwork();
  if (process.getuid?.() !== 0) return "network namespaces need root";
  try {
    return await NamespaceNetwork.open(members);
  } catch (error) {
    return `no network namespaces: ${(error as Error).message}`;
  }
}

/** Cuts add up: a link works again when all that cut it have healed. */
export class Cuts {
  readonly #network: RealNetwork;
  readonly #counts = new Map<string, number>();
  /** One after the other: the tools below do not like company. */
  #last: Promise<void> = Promise.resolve();

  constructor(network: RealNetwork) {
    this.#network = network;
  }

  change(links: readonly (readonly [number, number])[], by: 1 | -1): Promise<void> {
    this.#last = this.#last.then(() => this.#change(links, by));
    return this.#last;
  }

  async #change(links: readonly (readonly [number, number])[], by: 1 | -1): Promise<void> {
    for (const [from, to] of links) {
      const key = `${from}>${to}`;
      const before = this.#counts.get(key) ?? 0;
      this.#counts.set(key, before + by);
      const isCut = before + by > 0;
      if (before > 0 !== isCut) await this.#network.setCut(from, to, isCut);
    }
  }
}
