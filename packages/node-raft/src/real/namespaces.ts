/**
 * Each member in a network namespace of its own, as on a machine of its own, all of them joined by
 * a bridge that is in a namespace as well: nothing of it is seen from outside. A cut drops packets.
 */
import { existsSync, readdirSync } from "node:fs";
import type { RealNetwork } from "./network.ts";
import { runCommand } from "./run-command.ts";

const FOLDER = "/run/netns";
const PREFIX = "raft-";
const SUBNET = "10.77.0";

export class NamespaceNetwork implements RealNetwork {
  readonly #names: readonly string[];
  readonly #switch: string;

  private constructor(count: number) {
    const own = `${PREFIX}${process.pid}`;
    this.#names = Array.from({ length: count }, (_, i) => `${own}-${i}`);
    this.#switch = `${own}-s`;
  }

  static async open(count: number): Promise<NamespaceNetwork> {
    await removeLeftOver();
    const network = new NamespaceNetwork(count);
    try {
      await network.#build();
      return network;
    } catch (error) {
      await network.close();
      throw error;
    }
  }

  hostOf(member: number): string {
    return `${SUBNET}.${10 + member}`;
  }

  netnsOf(member: number): string {
    return `${FOLDER}/${this.#nameOf(member)}`;
  }

  async connect(addresses: readonly string[]): Promise<Record<string, string>[]> {
    return addresses.map(() => ({}));
  }

  async setCut(from: number, to: number, isCut: boolean): Promise<void> {
    const rule = ["INPUT", "-s", this.hostOf(from), "-j", "DROP"];
    const inside = [`--net=${this.netnsOf(to)}`, "--"];
    await runCommand("nsenter", ...inside, "iptables", "-w", isCut ? "-I" : "-D", ...rule);
  }

  async close(): Promise<void> {
    for (const name of [...this.#names, this.#switch]) {
      if (existsSync(`${FOLDER}/${name}`)) await runCommand("ip", "netns", "del", name);
    }
  }

  async #build(): Promise<void> {
    const ip = (...args: readonly string[]) => runCommand("ip", ...args);
    await ip("netns", "add", this.#switch);
    await ip("-n", this.#switch, "link", "add", "br0", "type", "bridge");
    await ip("-n", this.#switch, "link", "set", "br0", "up");
    for (const [i, name] of this.#names.entries()) {
      await ip("netns", "add", name);
      const peer = ["peer", "name", `p${i}`, "netns", this.#switch];
      await ip("link", "add", "eth0", "netns", name, "type", "veth", ...peer);
      await ip("-n", this.#switch, "link", "set", `p${i}`, "master", "br0", "up");
      await ip("-n", name, "link", "set", "lo", "up");
      await ip("-n", name, "addr", "add", `${this.hostOf(i)}/24`, "dev", "eth0");
      await ip("-n", name, "link", "set", "eth0", "up");
    }
    // As much as the cuts need; says so here where they cannot be had.
    await this.setCut(0, 1, true);
    await this.setCut(0, 1, false);
  }

  #nameOf(member: number): string {
    const name = this.#names[member];
    if (name === undefined) throw new Error(`no namespace of member ${member}`);
    return name;
  }
}

/** Of a run that was killed. */
async function removeLeftOver(): Promise<void> {
  if (!existsSync(FOLDER)) return;
  for (const name of readdirSync(FOLDER)) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) {
      await runCommand("ip", "netns", "del", name);
    }
  }
}
