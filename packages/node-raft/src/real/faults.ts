/**
 * What goes wrong with real processes, networks and disks, and how it heals. Kinds are dealt like a
 * deck of cards that is shuffled anew when it is used up, so that a short run has all of them.
 */
import type { SimRandom } from "../sim/random.ts";
import type { RealCluster, RealMember } from "./cluster.ts";
import { canThrottle, type RealDisk } from "./disks.ts";
import { Stop } from "./pauses.ts";
import type { Upgrade, UpgradeStep } from "./upgrade.ts";

const EVERY_MS = [300, 2_500] as const;
/** Faults that have a member of their own, beyond which too few would be left. */
const spareMembers = (count: number): number => Math.floor((count - 1) / 2);

type Links = readonly (readonly [number, number])[];

const ON_LINKS = ["cut", "cutLeader", "cutOneWay", "partition", "transfer"] as const;
const ANYWHERE = ["kill", "killLeader", "killAll", "stop", "stopLeader", ...ON_LINKS] as const;
const ON_DISKS = ["fullDisk", "hungDisk", "powerLoss", "powerLossLeader", "powerLossAll"] as const;

type Dealt = (typeof ANYWHERE)[number] | (typeof ON_DISKS)[number] | "slowDisk";
export type RealFaultKind = Dealt | "upgrade";

export interface FaultNote {
  readonly atMs: number;
  readonly fault: string;
  readonly who: string;
}

export class RealFaults {
  readonly counts = new Map<string, number>();
  readonly notes: FaultNote[] = [];
  readonly #cluster: RealCluster;
  readonly #upgrade: Upgrade;
  readonly #random: SimRandom;
  readonly #onError: (error: unknown) => void;
  readonly #stop = new Stop();
  readonly #active = new Set<Promise<void>>();
  readonly #startedAt = performance.now();
  #deck: Dealt[] = [];
  #running: Promise<void> = Promise.resolve();

  constructor(
    cluster: RealCluster,
    upgrade: Upgrade,
    random: SimRandom,
    onError: (error: unknown) => void,
  ) {
    this.#cluster = cluster;
    this.#upgrade = upgrade;
    this.#random = random;
    this.#onError = onError;
  }

  start(): void {
    this.#running = this.#loop();
  }

  /** Heals everything and starts everyone again. */
  async stop(): Promise<void> {
    this.#stop.stop();
    await this.#running;
  }

  async #loop(): Promise<void> {
    while (!this.#stop.stopped) {
      await this.#stop.sleep(this.#random.between(...EVERY_MS));
      if (this.#stop.stopped) break;
      const due = this.#upgrade.due();
      if (due !== null && this.#canSpare(due.member)) {
        this.#upgrade.begin(due);
        const { member } = due;
        this.#begin(
          "upgrade",
          this.#withMembers("upgrade", [member], () => this.#replace(due)),
        );
        continue;
      }
      // Whoever has a member gives it back first; links have no owner.
      const kind = due === null ? this.#deal() : this.#random.pick(ON_LINKS);
      if (kind === "killAll" || kind === "powerLossAll") {
        await Promise.all(this.#active);
        // In the middle of everyone's writing.
        await this.#hold(500, 1_500);
        if (this.#stop.stopped) break;
      }
      this.#begin(kind, this.#play(kind));
    }
    await Promise.all(this.#active);
  }

  #begin(kind: RealFaultKind, played: Promise<void>): void {
    const play = played.catch((error: unknown) => {
      this.#onError(new Error(`during ${kind}: ${String(error)}`));
    });
    this.#active.add(play);
    void play.finally(() => this.#active.delete(play));
  }

  /** The others can do without it. */
  #canSpare(member: RealMember): boolean {
    return !member.taken && !this.#tooFewLeft();
  }

  #tooFewLeft(): boolean {
    const { members } = this.#cluster;
    return members.filter(({ taken }) => taken).length >= spareMembers(members.length);
  }

  #deal(): Dealt {
    if (this.#deck.length === 0) {
      const left = [...kindsOf(this.#cluster)];
      while (left.length > 0) this.#deck.push(...left.splice(this.#random.int(left.length), 1));
    }
    return this.#deck.pop() ?? "kill";
  }

  async #play(kind: Dealt): Promise<void> {
    const { members } = this.#cluster;
    switch (kind) {
      case "transfer":
        return await this.#transfer();
      case "cut":
      case "cutLeader":
      case "cutOneWay":
      case "partition":
        return await this.#cut(kind);
      case "killAll":
      case "powerLossAll":
        return await this.#withMembers(kind, [...members], (all) => this.#crash(kind, all));
      default: {
        if (this.#tooFewLeft()) return;
        const victim = await this.#victim(kind);
        if (victim === null) return;
        await this.#withMembers(kind, [victim], () => this.#strike(kind, victim));
      }
    }
  }

  async #strike(kind: RealFaultKind, victim: RealMember): Promise<void> {
    switch (kind) {
      case "stop":
      case "stopLeader":
        victim.handle.pause();
        await this.#hold(200, 2_500);
        victim.handle.resume();
        return;
      case "fullDisk":
        return await this.#fillDisk(victim, diskOf(victim));
      case "hungDisk":
        await diskOf(victim).freeze();
        await this.#hold(300, 3_000);
        await diskOf(victim).thaw();
        return;
      case "slowDisk":
        diskOf(victim).limitWrites(Math.round(this.#random.between(15, 150)));
        await this.#hold(1_000, 4_000);
        diskOf(victim).limitWrites(0);
        return;
      default:
        await this.#crash(kind, [victim]);
    }
  }

  async #replace(step: UpgradeStep): Promise<void> {
    await step.member.kill();
    await this.#hold(0, 500);
    await this.#upgrade.install(step);
  }

  /** The processes end, with or without what they wrote and did not sync. */
  async #crash(kind: RealFaultKind, victims: readonly RealMember[]): Promise<void> {
    const losesPower = kind.startsWith("powerLoss");
    for (const victim of victims) {
      // At the first write that fails.
      victim.mayEnd = true;
      if (losesPower) await diskOf(victim).losePower();
    }
    await Promise.all(victims.map((member) => member.kill()));
    if (losesPower) for (const victim of victims) await diskOf(victim).powerOn();
    await Promise.all(
      victims.map(async (member) => {
        await this.#hold(0, 1_500);
        await member.restart();
      }),
    );
  }

  /** It must end by itself when it cannot write; then somebody makes room. */
  async #fillDisk(victim: RealMember, disk: RealDisk): Promise<void> {
    await disk.fill();
    victim.mayEnd = true;
    const ended = await Promise.race([
      victim.handle.exited.then(() => true),
      this.#hold(8_000, 9_000).then(() => false),
    ]);
    if (ended) this.#count("fullDisk: the member ended");
    await victim.kill();
    disk.free();
    await victim.restart();
  }

  async #transfer(): Promise<void> {
    const leader = await this.#cluster.leader();
    if (leader === null) return;
    this.#note("transfer", [leader]);
    // Refused, or never answered: clients do not have to know.
    await leader.handle.call("transfer", null).catch(() => this.#count("transfer refused"));
  }

  async #cut(kind: "cut" | "cutLeader" | "cutOneWay" | "partition"): Promise<void> {
    const { members, cuts } = this.#cluster;
    const random = this.#random;
    const leader = kind === "cutLeader" ? await this.#cluster.leader() : random.pick(members);
    if (leader === null) return;
    const side =
      kind === "partition" ? members.filter(() => random.chance(0.5)) : [leader as RealMember];
    const others = members.filter((member) => !side.includes(member));
    const links = kind === "cutOneWay" ? this.#oneWay(leader, others) : bothWays(side, others);
    if (links.length === 0) return;
    this.#note(kind, side, links);
    await cuts.change(links, 1);
    await this.#hold(300, 3_000);
    await cuts.change(links, -1);
  }

  /** It hears and is not heard, or the other way round, by one or by all. */
  #oneWay(victim: RealMember, others: readonly RealMember[]): Links {
    const peers = this.#random.chance(0.5) ? others : [this.#random.pick(others)];
    const isSilent = this.#random.chance(0.5);
    return peers.map(({ index }) =>
      isSilent ? ([victim.index, index] as const) : ([index, victim.index] as const),
    );
  }

  async #victim(kind: RealFaultKind): Promise<RealMember | null> {
    if (kind.endsWith("Leader")) {
      const leader = await this.#cluster.leader();
      return leader?.taken === false ? leader : null;
    }
    const free = this.#cluster.members.filter(({ taken }) => !taken);
    return free.length === 0 ? null : this.#random.pick(free);
  }

  async #withMembers<M extends readonly RealMember[]>(
    kind: RealFaultKind,
    victims: M,
    strike: (victims: M) => Promise<void>,
  ): Promise<void> {
    for (const victim of victims) victim.taken = true;
    this.#note(kind, victims);
    try {
      await strike(victims);
    } finally {
      for (const victim of victims) victim.taken = false;
    }
    this.#note(`${kind} is over`, victims);
  }

  async #hold(least: number, most: number): Promise<void> {
    await this.#stop.sleep(this.#random.between(least, most));
  }

  #note(fault: string, who: readonly RealMember[], links: Links = []): void {
    if (!fault.endsWith("is over")) this.#count(fault);
    const names = [...who.map(({ index }) => index), ...links.map((link) => link.join(">"))];
    const atMs = Math.round(performance.now() - this.#startedAt);
    this.notes.push({ atMs, fault, who: names.join(" ") });
  }

  #count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }
}

/** Those that can be had here. */
export function kindsOf(cluster: RealCluster): readonly Dealt[] {
  if (cluster.members.some(({ disk }) => disk === null)) return ANYWHERE;
  return [...ANYWHERE, ...ON_DISKS, ...(canThrottle ? (["slowDisk"] as const) : [])];
}

function diskOf({ disk, index }: RealMember): RealDisk {
  if (disk === null) throw new Error(`member ${index} has no disk of its own`);
  return disk;
}

function bothWays(side: readonly RealMember[], others: readonly RealMember[]): Links {
  return side.flatMap(({ index: a }) =>
    others.flatMap(
      ({ index: b }): Links => [
        [a, b],
        [b, a],
      ],
    ),
  );
}
