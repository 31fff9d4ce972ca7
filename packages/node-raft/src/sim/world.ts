/** The simulated cluster: its members, the network between them, and who watches. */
import type { MemberId } from "../core/types.ts";
import type { MemberView } from "./checkers/checker.ts";
import { SimClock } from "./clock.ts";
import { asFailure, type SimFailure } from "./failure.ts";
import type { SimMember } from "./member.ts";
import { SimNetwork } from "./network.ts";
import { Oracle } from "./oracle.ts";
import { SimRandom } from "./random.ts";
import type { Scenario } from "./scenario.ts";
import { Trace } from "./trace.ts";
import { Watch } from "./watch.ts";

/** Makes a member that is not started yet; `voters` is null for one that joins later. */
export type MemberFactory = (
  id: MemberId,
  world: World,
  voters: readonly { id: MemberId; address: string }[] | null,
) => SimMember;

export class World {
  readonly scenario: Scenario;
  readonly clock = new SimClock();
  readonly random: SimRandom;
  readonly trace: Trace;
  readonly watch: Watch;
  readonly oracle: Oracle;
  readonly network: SimNetwork;
  readonly members = new Map<MemberId, SimMember>();
  /** Machines that never come back. */
  readonly gone = new Set<MemberId>();
  /** Those whose disks are damaged and who have not looked at them yet. */
  readonly rotten = new Set<MemberId>();
  /** Members that must vote in the end; 0 = whatever churn has left. */
  votersWanted = 0;
  /** Nobody writes before. */
  quietUntil = 0;
  /** The first thing that went wrong where nobody could be told by a throw. */
  failure: SimFailure | null = null;
  readonly #factory: MemberFactory;
  #minted = 0;

  constructor(scenario: Scenario, factory: MemberFactory, keepLines: boolean) {
    const now = () => this.clock.now;
    this.scenario = scenario;
    this.#factory = factory;
    this.random = new SimRandom(scenario.seed, "world");
    this.trace = new Trace(now, keepLines);
    this.watch = new Watch(this.trace);
    this.oracle = new Oracle(now);
    const random = this.random.fork("network");
    this.network = new SimNetwork(this.clock, random, this.trace, scenario.network);
  }

  /** The first members, which form the cluster together. */
  bootstrap(): void {
    const voters = Array.from({ length: this.scenario.voters }, () => this.#mint());
    for (const { id } of voters) this.#add(id, voters);
    for (const member of this.members.values()) member.boot();
  }

  /** A new machine, started, of no cluster yet. Ids are never used again. */
  addMember(): { id: MemberId; address: string } {
    const minted = this.#mint();
    this.#add(minted.id, null).boot();
    return minted;
  }

  /** For checkers called from inside a member, which must not swallow what they find. */
  guard(fn: () => void): void {
    try {
      fn();
    } catch (error) {
      this.failure ??= asFailure("checker", error);
    }
  }

  up(): SimMember[] {
    return [...this.members.values()].filter((member) => member.up);
  }

  /** Of those that lead, the one of the newest term. */
  leader(): { member: SimMember; view: MemberView } | null {
    let newest: { member: SimMember; view: MemberView } | null = null;
    for (const member of this.up()) {
      const view = member.paused ? null : member.view();
      if (view?.role !== "leader") continue;
      if (newest === null || view.term > newest.view.term) newest = { member, view };
    }
    return newest;
  }

  /** Stops a member; peers may notice its closed socket. */
  crash(member: SimMember): void {
    member.crash();
    for (const peer of this.up()) {
      const sees = this.random.chance(this.scenario.crashHintChance);
      if (!sees || this.network.isCut(peer.id, member.id)) continue;
      this.clock.after(this.random.between(0, 5), () => {
        if (member.up) return;
        this.trace.note("crash hint", peer.id, member.id);
        peer.peerCrashed(member.id);
      });
    }
  }

  #mint(): { id: MemberId; address: string } {
    this.#minted += 1;
    const id = `m${this.#minted}`;
    return { id, address: `${id}:4647` };
  }

  #add(id: MemberId, voters: readonly { id: MemberId; address: string }[] | null): SimMember {
    const member = this.#factory(id, this, voters);
    this.members.set(id, member);
    this.network.register(id, member);
    return member;
  }
}
