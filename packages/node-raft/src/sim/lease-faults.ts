/**
 * Faults that come in the order in which they would hurt a leader that reads by a lease: it goes on
 * to believe that it leads while another is being elected as early as can be.
 */
import type { MemberId } from "../core/types.ts";
import type { SimMember } from "./member.ts";
import type { SimRandom } from "./random.ts";
import type { World } from "./world.ts";

const LOOK_MS = 1;
/** What was written just before arrives meanwhile. */
const CALM_MS = 30;

type Link = readonly [MemberId, MemberId];

export class LeaseFaults {
  readonly #world: World;
  readonly #random: SimRandom;
  readonly #electionMs: number;
  #running = false;

  constructor(world: World) {
    const { tickMs, limits } = world.scenario;
    this.#world = world;
    this.#random = world.random.fork("lease faults");
    this.#electionMs = tickMs * limits.electionTicksMin;
  }

  start(): void {
    this.#running = this.#world.scenario.leases;
    if (this.#running) this.#next();
  }

  stop(): void {
    this.#running = false;
  }

  #next(): void {
    this.#after(this.#random.between(0.5, 1.2) * this.#electionMs, () => {
      this.#strike();
      this.#next();
    });
  }

  #strike(): void {
    const leader = this.#world.leader();
    if (leader === null) return;
    const { id, conf } = leader.view;
    const others = conf.voters.filter((voter) => voter !== id);
    if (others.length < 2) return;
    const heir = this.#random.pick(others);
    const kind = this.#random.pick(["rival", "rival", "late", "transfer", "hint"] as const);
    this.#world.trace.note(`fault lease ${kind}`, id, heir);
    switch (kind) {
      case "rival":
        this.#rival(id, heir, others);
        return;
      case "late":
        this.#late(id, others);
        return;
      case "transfer":
        leader.member.transfer(heir);
        this.#once(heir, "candidate", () => this.#part(id, others));
        return;
      case "hint":
        this.#part(id, others);
        for (const other of others) this.#world.members.get(other)?.peerCrashed(id);
    }
  }

  /**
   * One that hears the leader no more will campaign, and lacks nothing as nobody writes; the others
   * start anew, and know of no leader.
   */
  #rival(leader: MemberId, heir: MemberId, others: readonly MemberId[]): void {
    const quietMs = this.#random.between(0.9, 1.5) * this.#electionMs;
    this.#world.quietUntil = this.#world.clock.now + CALM_MS + quietMs;
    this.#after(CALM_MS, () => this.#part(leader, [heir]));
    this.#after(CALM_MS + quietMs, () => {
      this.#part(leader, others);
      for (const id of others) {
        const member = this.#world.members.get(id);
        if (id !== heir && member?.up) this.#restart(member);
      }
    });
  }

  /** The leader hears for long what the others said before it fell silent. */
  #late(leader: MemberId, others: readonly MemberId[]): void {
    const extraMs = this.#random.between(0.7, 0.95) * this.#electionMs;
    const links = others.map((other): Link => [other, leader]);
    const heal = this.#world.network.slow(links, extraMs);
    this.#world.clock.after(2 * this.#electionMs, heal);
    this.#after(0.3 * this.#electionMs, () => {
      this.#cut(others.map((other): Link => [leader, other]));
    });
  }

  #restart(member: SimMember): void {
    this.#world.crash(member);
    this.#world.clock.after(this.#random.between(0, 2), () => {
      if (!member.up && !this.#world.gone.has(member.id)) member.boot();
    });
  }

  /** As soon as the member is in the role, if it ever is. */
  #once(id: MemberId, role: string, fn: () => void, looksLeft = 3 * this.#electionMs): void {
    if (this.#world.members.get(id)?.view()?.role === role) fn();
    else if (looksLeft > 0) this.#after(LOOK_MS, () => this.#once(id, role, fn, looksLeft - 1));
  }

  #part(leader: MemberId, others: readonly MemberId[]): void {
    this.#cut(
      others.flatMap((other): Link[] => [
        [leader, other],
        [other, leader],
      ]),
    );
  }

  #cut(links: readonly Link[]): void {
    const heal = this.#world.network.cut(links);
    this.#world.clock.after(this.#random.between(1, 2.5) * this.#electionMs, heal);
  }

  #after(ms: number, fn: () => void): void {
    this.#world.clock.after(ms, () => {
      if (this.#running) fn();
    });
  }
}
