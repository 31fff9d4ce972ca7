/**
 * Clients that read without a quorum: by the lease of whoever takes itself for the leader, a
 * member that has slept above all, and what any member has, with its age.
 */
import type { SimMember } from "./member.ts";
import type { SimRandom } from "./random.ts";
import type { World } from "./world.ts";

const EVERY_MS = 8;
/** Beyond an election time-out, and far below it. */
const STALENESS_MS: readonly [number, number] = [5, 400];

export class LocalReaders {
  readonly #world: World;
  readonly #random: SimRandom;
  #running = false;

  constructor(world: World) {
    this.#world = world;
    this.#random = world.random.fork("local readers");
  }

  start(): void {
    this.#running = true;
    this.#next();
  }

  stop(): void {
    this.#running = false;
  }

  #next(): void {
    this.#world.clock.after(this.#random.between(0, 2 * EVERY_MS), () => {
      if (!this.#running) return;
      this.#read();
      this.#next();
    });
  }

  #read(): void {
    const { oracle, scenario, trace } = this.#world;
    const up = this.#world.up();
    if (up.length === 0) return;
    const key = `k${this.#random.int(scenario.workload.keys)}`;
    if (scenario.leases && this.#random.chance(0.7)) {
      for (const member of up.filter(takesItselfForLeader)) {
        trace.count("lease read asked");
        member.readByLease?.(oracle.invokeRead(key));
      }
      return;
    }
    trace.count("stale read asked");
    const maxStalenessMs = this.#random.chance(0.2)
      ? undefined
      : this.#random.between(...STALENESS_MS);
    this.#random.pick(up).readStale?.(key, maxStalenessMs);
  }
}

function takesItselfForLeader(member: SimMember): boolean {
  return member.view()?.role === "leader";
}
