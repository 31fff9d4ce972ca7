/** Clients: they write and read registers at random members, knowing what clients may know. */
import type { World } from "./world.ts";

export class Workload {
  readonly #world: World;
  #running = false;

  constructor(world: World) {
    this.#world = world;
  }

  start(): void {
    this.#running = true;
    this.#next();
  }

  stop(): void {
    this.#running = false;
  }

  /** One write at the leader; false when there is none that takes it. */
  writeNow(key: string): boolean {
    const { oracle, trace } = this.#world;
    const leader = this.#world.leader();
    if (leader === null) return false;
    const taken = leader.member.write(oracle.invokeWrite(key));
    trace.count(taken ? "write accepted" : "write refused");
    return taken;
  }

  #next(): void {
    const { clock, random, scenario } = this.#world;
    clock.after(random.between(0, 2 * scenario.workload.everyMs), () => {
      if (!this.#running) return;
      this.#operate();
      this.#next();
    });
  }

  #operate(): void {
    const { random, scenario, oracle, trace } = this.#world;
    const key = `k${random.int(scenario.workload.keys)}`;
    const up = this.#world.up().filter((member) => !member.paused);
    if (up.length === 0) return;
    if (random.chance(scenario.workload.readShare)) {
      random.pick(up).read(oracle.invokeRead(key));
      trace.count("read asked");
    } else if (this.#world.clock.now < this.#world.quietUntil) {
      trace.count("quiet");
    } else if (random.chance(0.8)) {
      this.writeNow(key);
    } else {
      // Somebody who thinks of an old leader as the leader, or of anyone.
      const taken = random.pick(up).write(oracle.invokeWrite(key));
      trace.count(taken ? "write accepted" : "write refused");
    }
  }
}
