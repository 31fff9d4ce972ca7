/**
 * Rolling upgrades of the processes (rules U1 to U5 of SPEC.md): members get the next program one
 * by one while everything else goes wrong, the first of them goes back to the older one in between,
 * and when all have it the cluster's level must rise, but not before. Then comes the program after
 * that. What a program writes at a level an older one does not understand: it would end.
 */
import type { LevelRange } from "../node/feature-level.ts";
import type { SimRandom } from "../sim/random.ts";
import { type RealCluster, type RealMember, statusOf } from "./cluster.ts";
import { Stop, sleep } from "./pauses.ts";

/** All members of a cluster, and then some time at the new level. */
const ROUND_MS = 20_000;
const LOOK_MS = 50;

export interface UpgradeStep {
  readonly member: RealMember;
  readonly generation: number;
}

/** A program understands the level of the one before it, so that it can take its place. */
export function levelsOf(generation: number): LevelRange {
  return { min: Math.max(1, generation - 1), max: generation };
}

export class Upgrade {
  readonly #cluster: RealCluster;
  readonly #random: SimRandom;
  readonly #onWrong: (error: Error) => void;
  readonly #stop = new Stop();
  /** By member: of the program that runs there, or is about to. */
  readonly #generations: number[];
  #generation = 1;
  #steps: UpgradeStep[] = [];
  #stepMs = 0;
  #nextAt = performance.now();
  #level = 1;
  #watching: Promise<unknown> = Promise.resolve();

  constructor(cluster: RealCluster, random: SimRandom, onWrong: (error: Error) => void) {
    this.#cluster = cluster;
    this.#random = random;
    this.#onWrong = onWrong;
    this.#generations = cluster.members.map(() => 1);
  }

  /** The highest level that a member was seen at. */
  get level(): number {
    return this.#level;
  }

  start(): void {
    this.#watching = Promise.all(this.#cluster.members.map((member) => this.#watch(member)));
    this.#beginRound();
  }

  /** What is to be done now, whatever else is going on; null = nothing. */
  due(): UpgradeStep | null {
    if (performance.now() < this.#nextAt) return null;
    if (this.#steps.length === 0) {
      if (this.#level < this.#generation) return null;
      this.#beginRound();
    }
    return this.#steps[0] ?? null;
  }

  /** The caller carries it out: nobody else is told of it. */
  begin(step: UpgradeStep): void {
    if (this.#steps.shift() !== step) throw new Error("another step is due");
    this.#nextAt = performance.now() + this.#stepMs;
  }

  /** The member's process has ended: starts the program. */
  async install({ member, generation }: UpgradeStep): Promise<void> {
    // Before it runs it may already count as there: no level can rise without it, only with it.
    this.#generations[member.index] = generation;
    await member.restart({ levels: levelsOf(generation) });
  }

  /** Everybody gets the program that some have, and then the level must be there. */
  async finish(timeoutMs: number): Promise<string | null> {
    for (const step of this.#steps.splice(0)) {
      await step.member.kill();
      await this.install(step);
    }
    const deadline = performance.now() + timeoutMs;
    while (this.#level < this.#generation && performance.now() < deadline) await sleep(LOOK_MS);
    if (this.#level === this.#generation) return null;
    return `all programs understand level ${this.#generation}, the cluster is at ${this.#level}`;
  }

  async end(): Promise<void> {
    this.#stop.stop();
    await this.#watching;
  }

  /** The first goes back before the last one has come: until then that must be possible. */
  #beginRound(): void {
    this.#generation += 1;
    const generation = this.#generation;
    const left = [...this.#cluster.members];
    const order: RealMember[] = [];
    while (left.length > 0) order.push(...left.splice(this.#random.int(left.length), 1));
    const steps = order.map((member) => ({ member, generation }));
    const [first, last] = [steps[0], steps.at(-1)];
    if (first === undefined || last === undefined) throw new Error("a cluster has members");
    const back = { ...first, generation: generation - 1 };
    this.#steps = [...steps.slice(0, -1), back, last, first];
    this.#stepMs = ROUND_MS / this.#steps.length;
    this.#nextAt = performance.now() + this.#stepMs / 2;
  }

  async #watch(member: RealMember): Promise<void> {
    while (!this.#stop.stopped) {
      await this.#stop.sleep(LOOK_MS);
      const level = (await statusOf(member))?.level ?? 0;
      const understood = Math.min(...this.#generations);
      if (level > understood) {
        const text = `member ${member.index} is at level ${level}, not all understand it`;
        this.#onWrong(new Error(`${text}: ${this.#generations.join(" ")}`));
        return;
      }
      this.#level = Math.max(this.#level, level);
    }
  }
}
