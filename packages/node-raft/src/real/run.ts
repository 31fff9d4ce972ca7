/**
 * One run: a cluster of processes, clients, and faults for a time; then everything heals, a write
 * must be taken, all members must hold the same, and what the clients saw must have an order.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SimRandom } from "../sim/random.ts";
import { Clients } from "./clients.ts";
import { RealCluster } from "./cluster.ts";
import { canThrottle, folderOfRun, openDisks, type RealDisk } from "./disks.ts";
import { RealFaults } from "./faults.ts";
import { History, wrongCommands, wrongOrder } from "./history.ts";
import { type NetworkKind, openNetwork, type RealNetwork } from "./network.ts";
import { sleep, within } from "./pauses.ts";
import { levelsOf, Upgrade } from "./upgrade.ts";

const HEALED_MS = 30_000;

export interface RealOptions {
  readonly members: number;
  readonly seconds: number;
  readonly seed: number;
  readonly network: NetworkKind;
  /** Program of the members: other sources than these. */
  readonly entry?: string | undefined;
}

export interface RealResult {
  readonly history: History;
  readonly faults: ReadonlyMap<string, number>;
  /** The feature level that the cluster came to, from 1. */
  readonly level: number;
  /** What could not be had here. */
  readonly skipped: readonly string[];
  /** null: everything is as it must be. */
  readonly problem: string | null;
  /** Kept when there is a problem: the history, the faults, what members printed, their disks. */
  readonly folder: string;
}

/** A string: there is no such network here, and why. */
export async function runReal(options: RealOptions): Promise<RealResult | string> {
  const { members } = options;
  const network = await openNetwork(options.network, members);
  if (typeof network === "string") return network;
  const folder = folderOfRun();
  const opened = await openDisks(folder, members);
  const disks = typeof opened === "string" ? [] : opened;
  const skipped: string[] = [];
  if (typeof opened === "string") skipped.push(`full, slow, hung disks, loss of power: ${opened}`);
  else if (!canThrottle) skipped.push("slow disks: no blkio controller of cgroup v1");
  try {
    const result = await play(options, network, disks, folder);
    return { ...result, skipped, folder };
  } finally {
    for (const disk of disks) await disk.close();
    await network.close();
  }
}

/** For a run that is not to be looked at again. */
export function forget({ folder }: RealResult): void {
  rmSync(folder, { recursive: true, force: true });
}

async function play(
  { members: count, seconds, seed, entry }: RealOptions,
  network: RealNetwork,
  disks: readonly RealDisk[],
  folder: string,
): Promise<Pick<RealResult, "history" | "faults" | "level" | "problem">> {
  const root = join(folder, "members");
  mkdirSync(root);
  const history = new History();
  const levels = levelsOf(1);
  const cluster = await RealCluster.form({ root, count, network, disks, entry, levels });
  let broken: unknown = null;
  let giveUp = (): void => {};
  const gaveUp = new Promise<void>((resolve) => {
    giveUp = resolve;
  });
  const fail = (error: unknown): void => {
    broken ??= error;
    giveUp();
  };
  for (const member of cluster.members) {
    member.onEnded = () => fail(new Error(`member ${member.index} ended by itself`));
  }
  const random = new SimRandom(seed, "real");
  const clients = new Clients(cluster, history, random.fork("clients"));
  const upgrade = new Upgrade(cluster, random.fork("upgrade"), fail);
  const faults = new RealFaults(cluster, upgrade, random.fork("faults"), fail);
  let problem: string | null = null;
  try {
    clients.start();
    faults.start();
    upgrade.start();
    await Promise.race([sleep(seconds * 1_000), gaveUp]);
    await faults.stop();
    if (broken === null) problem = await upgrade.finish(HEALED_MS);
    await clients.stop();
    if (broken !== null) throw broken;
    problem ??= await expectEqual(cluster, clients, history, upgrade.level);
    problem ??= wrongOrder(history.steps);
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error);
  } finally {
    for (const member of cluster.members) member.handle.resume();
    await upgrade.end();
    await cluster.end();
  }
  if (problem !== null) {
    history.save(join(folder, "history.jsonl"));
    const lines = faults.notes.map((note) => `${JSON.stringify(note)}\n`);
    writeFileSync(join(folder, "faults.jsonl"), lines.join(""));
  }
  return { history, faults: faults.counts, level: upgrade.level, problem };
}

/** The last write, of the newest level, is applied by everyone, as every other acknowledged one. */
async function expectEqual(
  cluster: RealCluster,
  clients: Clients,
  history: History,
  level: number,
): Promise<string | null> {
  const last = await clients.writeLast(HEALED_MS);
  const asked = cluster.members.map(({ handle }) => handle.call("commands", { last }));
  const applied = await within(HEALED_MS, Promise.all(asked));
  await clients.readAll();
  const behind = applied.findIndex(({ newest }) => newest !== level);
  if (behind >= 0) return `member ${behind} has met nothing of level ${level}`;
  return wrongCommands(history, applied);
}
