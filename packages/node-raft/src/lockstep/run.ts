/** Plays many schedules, some of them at the same time, and makes those that fail smaller. */
import { RaftCore } from "../core/raft.ts";
import { EtcdPeer } from "./etcd-peer.ts";
import { type Counts, Disagreement, LockStep, type LockStepDeps, Parted } from "./lock-step.ts";
import { Player } from "./play.ts";
import { type Operation, type Schedule, scheduleOf } from "./schedule.ts";

/** Schedules on their way at once: they share the lines that go to the other process and back. */
const ABREAST = 24;
/** Schedules tried to make a failing one smaller. */
const SHRINK_TRIES = 400;

export interface Finding {
  readonly seed: number;
  readonly problem: string;
  /** What is left of the schedule when everything is left out that can be. */
  readonly operations: readonly Operation[];
}

export interface RunReport extends Counts {
  readonly schedules: number;
  readonly finding: Finding | null;
}

export interface LockStepRun {
  readonly program: string;
  readonly seed: number;
  readonly schedules: number;
  /** Not tried where it is enough to know that they disagree. */
  readonly shrink?: boolean;
  /** The code to run instead of the real one: a mutant. */
  readonly newCore?: LockStepDeps["newCore"];
}

/** Stops at the first disagreement, which is that of the lowest seed among those under way. */
export async function runLockStep(options: LockStepRun): Promise<RunReport> {
  const { program, seed: first, schedules } = options;
  const newCore = options.newCore ?? ((core) => new RaftCore(core));
  const peer = new EtcdPeer(program);
  const counts: Counts = { steps: 0, comparisons: 0, events: new Map() };
  const found = new Map<number, string>();
  let next = first;
  let played = 0;
  const lane = async () => {
    while (next < first + schedules && found.size === 0) {
      const seed = next;
      next += 1;
      const problem = await playSchedule(scheduleOf(seed), { world: seed, peer, newCore, counts });
      played += 1;
      if (problem !== null) found.set(seed, problem);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(ABREAST, schedules) }, lane));
    const seed = Math.min(...found.keys());
    const problem = found.get(seed);
    if (problem === undefined) return { ...counts, schedules: played, finding: null };
    const whole = { seed, problem, operations: scheduleOf(seed).operations };
    const smaller = options.shrink !== false;
    const finding = smaller ? await shrink(whole, { peer, newCore }) : whole;
    return { ...counts, schedules: played, finding };
  } finally {
    peer.stop();
  }
}

/** null: the two agree. */
async function playSchedule(schedule: Schedule, deps: LockStepDeps): Promise<string | null> {
  const world = new LockStep(schedule, deps);
  const player = new Player(world);
  try {
    await world.start();
    for (const operation of schedule.operations) await player.play(operation);
    await player.finish();
  } catch (error) {
    if (error instanceof Disagreement) return error.message;
    if (!(error instanceof Parted)) throw error;
    world.count("N15 schedules that end early");
  } finally {
    await world.end();
  }
  return null;
}

/** Leaves out ever smaller parts as long as the two still disagree. */
async function shrink(
  whole: Finding,
  deps: Pick<LockStepDeps, "peer" | "newCore">,
): Promise<Finding> {
  const schedule = scheduleOf(whole.seed);
  let best = whole;
  let tries = 0;
  let size = best.operations.length;
  while (size >= 1 && tries < SHRINK_TRIES) {
    let smaller = false;
    for (let at = 0; at < best.operations.length && tries < SHRINK_TRIES; ) {
      const operations = best.operations.toSpliced(at, size);
      const counts: Counts = { steps: 0, comparisons: 0, events: new Map() };
      tries += 1;
      const problem = await playSchedule(
        { ...schedule, operations },
        { ...deps, world: -1, counts },
      );
      if (problem === null) {
        at += size;
      } else {
        best = { seed: whole.seed, problem, operations };
        smaller = true;
      }
    }
    if (!smaller) size = Math.floor(size / 2);
  }
  return best;
}
