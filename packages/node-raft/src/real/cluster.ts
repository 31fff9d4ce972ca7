/** Members that are processes, each on a disk of its own if there is one, joined by a network. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { LevelRange } from "../node/feature-level.ts";
import { type Launch, MemberFailure, MemberHandle } from "../testing/member-handle.ts";
import type { MemberCalls, StartArgs } from "../testing/member-process.ts";
import type { RealDisk } from "./disks.ts";
import { Cuts, type RealNetwork } from "./network.ts";
import { NoAnswer, sleep, within } from "./pauses.ts";

/** Small, so that a run goes through many segments, snapshots, and transfers of snapshots. */
const WAL = { segmentBytes: 1 << 20, aheadBytes: 64 << 10 };
const LIMITS = { snapshotEntries: 2_000, trailingEntries: 500 };
const STATUS_MS = 300;
const START_TRIES = 40;
const START_AGAIN_MS = 250;

export interface ClusterOptions {
  readonly root: string;
  readonly count: number;
  readonly network: RealNetwork;
  /** One for each, or none. */
  readonly disks: readonly RealDisk[];
  /** Program of the members: other sources than these. */
  readonly entry?: string | undefined;
  /** That the programs understand at first. */
  readonly levels: LevelRange;
}

export class RealMember {
  readonly index: number;
  readonly disk: RealDisk | null;
  handle: MemberHandle;
  /** A fault has it. */
  taken = false;
  /** Its process may end. */
  mayEnd = false;
  /** Called when it ended and might not. */
  onEnded: () => void = () => {};

  constructor(index: number, disk: RealDisk | null, handle: MemberHandle) {
    this.index = index;
    this.disk = disk;
    this.handle = handle;
    this.#watch();
  }

  async kill(): Promise<void> {
    this.mayEnd = true;
    await this.handle.kill();
  }

  /** On loopback another program may have its port for a moment. */
  async restart(changes: Partial<StartArgs> = {}): Promise<void> {
    for (let left = START_TRIES; ; left -= 1) {
      try {
        this.handle = await this.handle.restart(changes);
        break;
      } catch (error) {
        const isTaken = error instanceof MemberFailure && error.code === "EADDRINUSE";
        if (!isTaken || left === 0) throw error;
        await sleep(START_AGAIN_MS);
      }
    }
    this.mayEnd = false;
    this.#watch();
  }

  #watch(): void {
    void this.handle.exited.then(() => {
      if (!this.mayEnd) this.onEnded();
    });
  }
}

export class RealCluster {
  readonly members: readonly RealMember[];
  readonly cuts: Cuts;

  private constructor(members: readonly RealMember[], network: RealNetwork) {
    this.members = members;
    this.cuts = new Cuts(network);
  }

  static async form(options: ClusterOptions): Promise<RealCluster> {
    const { count, network } = options;
    const members: RealMember[] = [];
    try {
      for (let i = 0; i < count; i += 1) members.push(await startMember(options, i));
      const addresses = members.map(({ handle }) => handle.address);
      const routes = await network.connect(addresses);
      // Now that all ports are known.
      for (const [i, member] of members.entries()) {
        await member.kill();
        await member.restart({ routes: routes[i] ?? {} });
      }
      const voters = members.map(({ handle }) => ({
        id: handle.memberId,
        address: handle.address,
      }));
      await Promise.all(members.map(({ handle }) => handle.call("bootstrap", { voters })));
      return new RealCluster(members, network);
    } catch (error) {
      for (const member of members) await member.kill();
      throw error;
    }
  }

  /** The one that says it leads, in the newest term; null when nobody does who answers. */
  async leader(): Promise<RealMember | null> {
    let newest: { member: RealMember; term: number } | null = null;
    for (const member of this.members) {
      const status = await statusOf(member);
      if (status?.role !== "leader") continue;
      if (newest === null || status.term > newest.term) newest = { member, term: status.term };
    }
    return newest?.member ?? null;
  }

  async end(): Promise<void> {
    for (const member of this.members) await member.kill();
  }
}

/** null: it does not answer, and so nobody need think that it leads. */
export async function statusOf({
  handle,
}: RealMember): Promise<MemberCalls["status"]["result"] | null> {
  try {
    return await within(STATUS_MS, handle.call("status", null));
  } catch (error) {
    if (error instanceof NoAnswer || error instanceof MemberFailure) return null;
    throw error;
  }
}

async function startMember(options: ClusterOptions, index: number): Promise<RealMember> {
  const { root, network, disks, entry, levels } = options;
  const disk = disks[index] ?? null;
  const dataDir = join(disk?.dir ?? root, `member${index}`);
  mkdirSync(dataDir);
  const common = { dataDir, port: 0, host: network.hostOf(index) };
  const logFile = join(root, `member${index}.log`);
  const launch: Launch = { netns: network.netnsOf(index), entry, logFile };
  const args: StartArgs = { ...common, registers: true, wal: WAL, limits: LIMITS, levels };
  return new RealMember(index, disk, await MemberHandle.start(args, launch));
}
