/** What goes wrong, and for how long. Each fault heals by itself; several may overlap. */
import type { MemberId } from "../core/types.ts";
import { changeMembers } from "./churn.ts";
import { loseMachine } from "./lost-machines.ts";
import type { DiskFailure, SimMember } from "./member.ts";
import type { FaultKind } from "./scenario.ts";
import type { World } from "./world.ts";

const HUNT_TRIES = 400;
const STORM_CRASHES = 12;

const DISK_FAILURES = {
  diskError: "io",
  diskFull: "full",
  syncLie: "lie",
} as const satisfies Partial<Record<FaultKind, DiskFailure>>;

type Link = readonly [MemberId, MemberId];

export interface InjectedFault {
  /** Counts also those that could not happen to anybody. */
  readonly number: number;
  readonly atMs: number;
  readonly kind: FaultKind;
}

export class Faults {
  readonly #world: World;
  #running = false;
  readonly #heals = new Set<() => void>();
  #dealt = 0;
  readonly injected: InjectedFault[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  start(): void {
    this.#running = true;
    this.#world.network.onReceived = (message) => {
      if (message.type === "vote") this.#maybeCrashVoter(message.to);
    };
    this.#next();
  }

  /** Heals everything and starts everyone again. */
  stop(): void {
    this.#running = false;
    this.#world.network.onReceived = () => {};
    for (const heal of [...this.#heals]) heal();
    for (const member of this.#world.members.values()) this.#boot(member);
  }

  #next(): void {
    const { clock, random, scenario } = this.#world;
    clock.after(random.between(0, 2 * scenario.faultEveryMs), () => {
      if (!this.#running) return;
      const kind = random.weighted(scenario.faultWeights);
      this.#dealt += 1;
      if (!scenario.faultsLeftOut.has(this.#dealt) && this.#inject(kind)) {
        this.#world.trace.note(`fault ${kind}`);
        this.injected.push({ number: this.#dealt, atMs: clock.now, kind });
      }
      this.#next();
    });
  }

  /** False when there is nobody it could happen to. */
  #inject(kind: FaultKind): boolean {
    const world = this.#world;
    const { random, scenario } = world;
    const victim =
      kind === "crashLeader" || kind === "isolateLeader" ? world.leader()?.member : pickUp(world);
    if (victim === undefined) return false;
    switch (kind) {
      case "crash":
      case "crashLeader":
        this.#crash(victim, random.between(5, 300));
        return true;
      case "crashAll":
        for (const member of world.up()) this.#crash(member, random.between(5, 100));
        return true;
      case "isolate":
      case "isolateLeader":
        this.#cut(linksBetween([victim.id], this.#others([victim.id])));
        return true;
      case "newLeader":
        this.#hitNewLeader(world.leader()?.view.term ?? 0, HUNT_TRIES);
        return true;
      case "storm":
        this.#storm();
        return true;
      case "partition":
        this.#partition();
        return true;
      case "asymmetric":
        this.#asymmetric(victim);
        return true;
      case "lossy":
        world.network.lossBurst += 0.3;
        this.#healAfter(random.between(50, 300), () => {
          world.network.lossBurst -= 0.3;
        });
        return true;
      case "pause":
        this.#pause(victim, random.between(20, 500));
        return true;
      case "slowDisk":
        victim.slowDisk(random.between(10, 80));
        this.#healAfter(random.between(50, 400), () => victim.recoverDisk());
        return true;
      case "hungDisk":
        victim.slowDisk(Number.POSITIVE_INFINITY);
        this.#healAfter(random.between(100, 800), () => victim.recoverDisk());
        return true;
      case "diskError":
      case "diskFull":
      case "syncLie":
        this.#breakDisk(victim, DISK_FAILURES[kind]);
        return true;
      case "clockJump":
        if (victim.jumpClock === undefined) return false;
        victim.jumpClock(random.pick([20, 20, 300, 5_000]));
        return true;
      case "gcStall":
        for (const member of world.up()) this.#stall(member);
        return true;
      case "rot":
      case "wipe":
        return loseMachine(world, victim, kind);
      case "transfer":
        world.leader()?.member.transfer(victim.id);
        return true;
      default:
        return changeMembers(world, kind, scenario.voters + 3);
    }
  }

  #crash(member: SimMember, downMs: number): void {
    this.#world.crash(member);
    this.#healAfter(downMs, () => this.#boot(member));
  }

  #boot(member: SimMember): void {
    if (!member.up && !this.#world.gone.has(member.id)) member.boot();
  }

  #pause(member: SimMember, ms: number): void {
    member.pause();
    this.#healAfter(ms, () => member.resume());
  }

  /** Everyone's memory is cleaned up, each at its own moment. */
  #stall(member: SimMember): void {
    const { clock, random } = this.#world;
    clock.after(random.between(0, 100), () => {
      if (this.#running && member.up) this.#pause(member, random.between(5, 120));
    });
  }

  /** Between the promise and the disk, and back while the election is still on. */
  #maybeCrashVoter(id: MemberId): void {
    const { random, scenario, clock, members } = this.#world;
    if (!random.chance(scenario.voteCrashChance)) return;
    clock.after(random.between(0, 4), () => {
      const voter = members.get(id);
      if (voter?.up) this.#crash(voter, random.between(0, 4));
    });
  }

  /** Its supervisor starts it again, on a disk that works. */
  #breakDisk(victim: SimMember, how: DiskFailure): void {
    const { random } = this.#world;
    const downMs = random.between(5, 200);
    let restarted = false;
    const restart = (): void => {
      if (restarted || !victim.up) return;
      restarted = true;
      this.#crash(victim, downMs);
    };
    victim.breakDisk(how, restart);
    // An idle member may not notice; the run must not end with a broken disk.
    this.#healAfter(random.between(100, 400), restart);
  }

  /**
   * A leader is most fragile just after its election: it has old entries to bring in and none of
   * its own (paper §5.4.2, figure 8). Takes the leader away, and waits for the next one.
   */
  #hitNewLeader(term: number, tries: number): void {
    const { clock, random } = this.#world;
    const leader = this.#world.leader();
    if (leader === null || leader.view.term <= term) {
      if (tries === HUNT_TRIES && leader !== null)
        this.#crash(leader.member, random.between(5, 60));
      if (tries === 0 || !this.#running) return;
      clock.after(random.between(0, 2), () => this.#hitNewLeader(term, tries - 1));
      return;
    }
    const { member } = leader;
    clock.after(random.between(0, 12), () => {
      if (!member.up || !this.#running) return;
      if (random.chance(0.5)) {
        this.#crash(member, random.between(5, 200));
        return;
      }
      const others = this.#others([member.id]);
      const spared = random.int(others.length + 1);
      this.#cut(
        linksBetween(
          [member.id],
          others.filter((_, i) => i !== spared),
        ),
      );
    });
  }

  /** Quick restarts while an election is on: what was promised but not on disk comes out. */
  #storm(): void {
    const { clock, random } = this.#world;
    const leader = this.#world.leader()?.member;
    if (leader !== undefined) this.#crash(leader, random.between(20, 150));
    for (let i = 0; i < STORM_CRASHES; i += 1) {
      clock.after(random.between(50, 400), () => {
        const victim = pickUp(this.#world);
        if (this.#running && victim !== undefined) this.#crash(victim, random.between(0, 5));
      });
    }
  }

  #partition(): void {
    const { random, members } = this.#world;
    const side = [...members.keys()].filter(() => random.chance(0.5));
    this.#cut(linksBetween(side, this.#others(side)));
  }

  /** It hears but is not heard, or the other way round, by one peer or by all. */
  #asymmetric(victim: SimMember): void {
    const { random } = this.#world;
    const others = this.#others([victim.id]);
    const peers = random.chance(0.5) || others.length === 0 ? others : [random.pick(others)];
    const silent = random.chance(0.5);
    this.#cut(peers.map((peer): Link => (silent ? [victim.id, peer] : [peer, victim.id])));
  }

  #cut(links: readonly Link[]): void {
    const heal = this.#world.network.cut(links);
    this.#healAfter(this.#world.random.between(20, 700), heal);
  }

  #others(ids: readonly MemberId[]): MemberId[] {
    return [...this.#world.members.keys()].filter((id) => !ids.includes(id));
  }

  #healAfter(ms: number, heal: () => void): void {
    const once = () => {
      if (this.#heals.delete(once)) heal();
    };
    this.#heals.add(once);
    this.#world.clock.after(ms, once);
  }
}

function linksBetween(side: readonly MemberId[], others: readonly MemberId[]): Link[] {
  return side.flatMap((a) =>
    others.flatMap((b): Link[] => [
      [a, b],
      [b, a],
    ]),
  );
}

function pickUp(world: World): SimMember | undefined {
  const up = world.up().filter((member) => !member.paused);
  return up.length === 0 ? undefined : world.random.pick(up);
}
